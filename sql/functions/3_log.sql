-- The log: how it is written, where it stands and how it is pruned.

-- Which cluster and which database this is can't change while a session lasts. So these are not immutable for ever, but
-- for as long as any plan that holds their value.
CREATE OR REPLACE FUNCTION log_cluster() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT system_identifier::text FROM pg_control_system());

CREATE OR REPLACE FUNCTION log_database() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT oid::text FROM pg_database WHERE datname = current_database());

-- Which log this is. Another cluster, a promoted standby, a restore to a point in time, a dump loaded into a new
-- database or a new table: each gives another epoch, and an id of another epoch is no place in this log.
CREATE OR REPLACE FUNCTION log_epoch() RETURNS text
LANGUAGE sql STABLE
RETURN left(encode(sha256(convert_to(concat_ws('/',
    log_cluster(),
    left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    log_database(),
    'inventory_history'::regclass::oid
), 'UTF8')), 'hex'), 8);

-- The log is whole after this event: what came before may have been pruned.
CREATE OR REPLACE FUNCTION log_floor() RETURNS bigint
LANGUAGE sql STABLE
RETURN (SELECT event_id FROM inventory_history_floor);

-- Not below the floor, even if nothing is left above it.
CREATE OR REPLACE FUNCTION log_head() RETURNS bigint
LANGUAGE sql STABLE
RETURN greatest((SELECT max(event_id) FROM inventory_history), log_floor());

-- The last committed position, as clients hold it: "<epoch>-<event id>".
CREATE OR REPLACE FUNCTION log_position() RETURNS text
LANGUAGE sql STABLE
RETURN log_epoch() || '-' || log_head();

-- The last event that had been committed at this time; null where the log no longer reaches back that far.
CREATE OR REPLACE FUNCTION log_event_at(moment timestamptz) RETURNS bigint
LANGUAGE sql STABLE
RETURN (
    SELECT greatest(floor.event_id, (
        SELECT h.event_id
        FROM inventory_history AS h
        WHERE h.changed_at <= moment
        ORDER BY h.changed_at DESC, h.event_id DESC
        LIMIT 1
    ))
    FROM inventory_history_floor AS floor
    WHERE floor.changed_at <= moment
);

-- Runs at the end of the transaction, for each row that changed. The lock comes first, then the id: whoever holds it
-- is the only one who draws ids, and keeps it until its commit is visible. So ids are in commit order, and the lock is
-- held for the commit alone. NOTIFY is a doorbell: always the same empty payload, which PostgreSQL folds into one.
CREATE OR REPLACE FUNCTION inventory_write_history() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.version = OLD.version THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(5310, 1);
    INSERT INTO inventory_history (item_id, operation, before, after, actor, changed_at)
    VALUES (
        CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END,
        TG_OP,
        CASE TG_OP WHEN 'INSERT' THEN NULL ELSE item_document(OLD) END,
        CASE TG_OP WHEN 'DELETE' THEN NULL ELSE item_document(NEW) END,
        coalesce(nullif(current_setting('stockstream.actor', true), ''), session_user),
        clock_timestamp()
    );
    PERFORM pg_notify('inventory_history', '');
    RETURN NULL;
END;
$$;

-- Take the oldest events away, a batch for each call, and move the floor past them; returns how many events the floor
-- has passed, 0 when there are none left that are older. The last event of a living item stays. The service that calls
-- this can't touch the log in any other way, so what is young is safe from it here.
CREATE OR REPLACE FUNCTION prune_history(older_than interval, batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    reach  bigint;
    passed integer;
    next   inventory_history_floor;
BEGIN
    IF (older_than >= interval '1 day') IS NOT TRUE THEN
        RAISE EXCEPTION 'history younger than a day is never pruned' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT pg_try_advisory_xact_lock(5310, 4) THEN
        RETURN 0; -- another does it at this moment
    END IF;
    -- '-1 year 361 days' passes for a day too, and lies in the future
    reach := log_event_at(least(clock_timestamp() - older_than, clock_timestamp() - interval '24 hours'));
    SELECT count(*), max(oldest.event_id), max(oldest.changed_at) INTO passed, next.event_id, next.changed_at
    FROM (
        SELECT h.event_id, h.changed_at
        FROM inventory_history AS h
        WHERE h.event_id > log_floor()
          AND h.event_id <= reach
        ORDER BY h.event_id
        LIMIT batch
    ) AS oldest;
    IF passed = 0 THEN
        RETURN 0;
    END IF;
    DELETE FROM inventory_history AS h
    USING (
        SELECT DISTINCT item_id
        FROM inventory_history
        WHERE event_id > log_floor()
          AND event_id <= next.event_id
    ) AS touched
    WHERE h.item_id = touched.item_id
      AND h.event_id <= next.event_id
      AND (NOT EXISTS (SELECT FROM inventory AS i WHERE i.id = h.item_id)
           OR EXISTS (SELECT FROM inventory_history AS newer
                      WHERE newer.item_id = h.item_id AND newer.event_id > h.event_id));
    UPDATE inventory_history_floor
    SET event_id = next.event_id, changed_at = greatest(changed_at, next.changed_at);
    RETURN passed;
END;
$$;
