-- sql/functions/3_log.sql of the version before the log was partitioned, as it was.

-- The log: writing, positions, pruning.

-- The identity of the cluster and the database. They are declared immutable since they can't change while a session,
-- and thus a cached plan, exists.
CREATE OR REPLACE FUNCTION log_cluster() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT system_identifier::text FROM pg_control_system());

CREATE OR REPLACE FUNCTION log_database() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT oid::text FROM pg_database WHERE datname = current_database());

-- The timeline that this server writes on. It fails on a standby, which writes nothing.
CREATE OR REPLACE FUNCTION current_timeline() RETURNS text
LANGUAGE sql STABLE
RETURN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8);

-- The timeline on which the last event was written.
CREATE OR REPLACE FUNCTION log_timeline() RETURNS text
LANGUAGE sql STABLE
RETURN (SELECT timeline FROM inventory_history_timeline);

-- The epoch identifies the log. It changes with another cluster, a promoted standby, a restore to a point in time, a
-- dump loaded into a new database, and a new table. An event id of another epoch is not a position in this log.
--
-- On a standby, the timeline is that of the last event. PostgreSQL does not tell a standby's clients which timeline it
-- has replayed: its control file still has the former timeline after the events of the next one can be read. But the
-- first event of a timeline is committed together with its timeline (inventory_write_history), so whoever sees an event
-- sees a timeline that is at least as new. Therefore, a standby with the epoch of a primary has a beginning of the
-- primary's log, up to the standby's own head: it has seen an event of the primary's timeline, which only a server that
-- has the whole log before it can have replayed, and no event of a later one. A standby of a former primary that has
-- replayed more than the promoted one stays on the former timeline. After a promotion, the epochs of primary and standby
-- differ until the first event has been replayed. That is safe: nothing is read there meanwhile.
CREATE OR REPLACE FUNCTION log_epoch() RETURNS text
LANGUAGE sql STABLE
RETURN left(encode(sha256(convert_to(concat_ws('/',
    log_cluster(),
    CASE WHEN pg_is_in_recovery() THEN log_timeline() ELSE current_timeline() END,
    log_database(),
    'inventory_history'::regclass::oid
), 'UTF8')), 'hex'), 8);

-- The log is complete after this event. Older events may have been pruned.
CREATE OR REPLACE FUNCTION log_floor() RETURNS bigint
LANGUAGE sql STABLE
RETURN (SELECT event_id FROM inventory_history_floor);

-- The last event. It is never below the floor, even if all events were pruned.
CREATE OR REPLACE FUNCTION log_head() RETURNS bigint
LANGUAGE sql STABLE
RETURN greatest((SELECT max(event_id) FROM inventory_history), log_floor());

-- The position of the last committed event, as clients store it: "<epoch>-<event id>".
CREATE OR REPLACE FUNCTION log_position() RETURNS text
LANGUAGE sql STABLE
RETURN log_epoch() || '-' || log_head();

-- The last event before this time; null if the log does not reach back that far.
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

-- Who makes the changes of this transaction.
CREATE OR REPLACE FUNCTION current_actor() RETURNS text
LANGUAGE sql STABLE
RETURN coalesce(nullif(current_setting('stockstream.actor', true), ''), session_user);

-- Write the log. A deferred trigger: it runs at the end of the transaction, for each changed row. It takes the lock
-- before it draws an id, and the lock is held until the commit is visible. So ids are in commit order, and the lock
-- is held only during the commit. The first event after a promotion writes down its timeline: log_epoch() says why. All
-- notifications have the same empty payload, so PostgreSQL sends one per transaction.
CREATE OR REPLACE FUNCTION inventory_write_history() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    movement movement;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.version = OLD.version THEN
        RETURN NULL;
    END IF;
    IF concat(
        current_setting('stockstream.movement', true),
        current_setting('stockstream.reason', true),
        current_setting('stockstream.note', true)
    ) <> '' THEN
        movement := current_movement();
    END IF;
    PERFORM pg_advisory_xact_lock(5310, 1);
    IF current_timeline() <> (SELECT timeline FROM inventory_history_timeline) THEN
        UPDATE inventory_history_timeline SET timeline = current_timeline();
    END IF;
    INSERT INTO inventory_history (
        item_id, location, operation, before, after, actor, on_behalf_of, movement, reason, note, changed_at
    )
    VALUES (
        CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END,
        CASE TG_OP WHEN 'DELETE' THEN OLD.location ELSE NEW.location END,
        TG_OP,
        CASE TG_OP WHEN 'INSERT' THEN NULL ELSE item_document(OLD) END,
        CASE TG_OP WHEN 'DELETE' THEN NULL ELSE item_document(NEW) END,
        current_actor(),
        nullif(current_setting('stockstream.on_behalf_of', true), ''),
        movement.id,
        movement.reason,
        movement.note,
        clock_timestamp()
    );
    PERFORM pg_notify('inventory_history', '');
    RETURN NULL;
END;
$$;

-- Delete a batch of the oldest events and move the floor past them. Returns the number of events that the floor has
-- passed, 0 when none is old enough. The last event of an existing item is kept. Movements without lines are deleted. This
-- is the only way in which the API can change the log, so the function refuses to delete young events.
CREATE OR REPLACE FUNCTION prune_history(older_than interval, batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    reach     bigint;
    passed    integer;
    movements bigint[];
    next      inventory_history_floor;
BEGIN
    IF (older_than >= interval '1 day') IS NOT TRUE THEN
        RAISE EXCEPTION 'history younger than a day is never pruned' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT pg_try_advisory_xact_lock(5310, 4) THEN
        RETURN 0; -- another session is pruning
    END IF;
    -- '-1 year 361 days' passes the check above (a year counts as 360 days there), but leads into the future.
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
    WITH deleted AS (
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
                          WHERE newer.item_id = h.item_id AND newer.event_id > h.event_id))
        RETURNING h.movement
    )
    SELECT array_agg(DISTINCT movement) INTO movements FROM deleted WHERE movement IS NOT NULL;
    DELETE FROM movement AS m
    WHERE m.id = ANY (movements)
      AND NOT EXISTS (SELECT FROM inventory_history AS h WHERE h.movement = m.id);
    UPDATE inventory_history_floor
    SET event_id = next.event_id, changed_at = greatest(changed_at, next.changed_at);
    RETURN passed;
END;
$$;
