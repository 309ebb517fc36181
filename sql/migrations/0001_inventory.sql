-- The stock and its log. Every rule that must hold whoever writes (the API, psql, COPY, an import) is here.

CREATE TABLE inventory (
    id         bigint      PRIMARY KEY CONSTRAINT inventory_id_positive CHECK (id > 0),
    name       text        NOT NULL
               CONSTRAINT inventory_name_length CHECK (char_length(name) BETWEEN 1 AND 200)
               CONSTRAINT inventory_name_control_characters CHECK (name !~ '[\u0001-\u001f\u007f-\u009f]'),
    quantity   integer     NOT NULL CONSTRAINT inventory_quantity_negative CHECK (quantity >= 0),
    version    bigint      NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE INDEX inventory_latest_change ON inventory (updated_at DESC, id DESC);

COMMENT ON TABLE inventory IS 'The stock. Write name and quantity; id, version and times are filled in by triggers.';
COMMENT ON COLUMN inventory.version IS 'Rises by one with every change of the item, through deletion and restore too.';

CREATE SEQUENCE inventory_id_seq OWNED BY inventory.id;

-- The version that a deletion took, so that an id that comes back goes on from there.
CREATE TABLE inventory_tombstone (
    item_id bigint PRIMARY KEY,
    version bigint NOT NULL
);

-- The log: one row for each change, numbered in commit order.
CREATE TABLE inventory_history (
    event_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id    bigint      NOT NULL,
    operation  text        NOT NULL CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE')),
    before     json,
    after      json,
    actor      text        NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE INDEX inventory_history_item ON inventory_history (item_id, event_id DESC);

COMMENT ON TABLE inventory_history IS 'The change log: full documents before and after each committed change, in commit order.';


-- How a document is written ------------------------------------------------------------------------------------

-- RFC 3339 in UTC, whatever the time zone of the session.
CREATE FUNCTION rfc3339(moment timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- The one place that says what an item looks like to the outside: it is text from here to the client's socket.
-- row_to_json() keeps the order and puts no space anywhere.
CREATE FUNCTION item_document(item inventory) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT row_to_json(document)
    FROM (
        SELECT
            item.id,
            item.name,
            item.quantity,
            item.version,
            rfc3339(item.created_at) AS created_at,
            rfc3339(item.updated_at) AS updated_at
    ) AS document
);


-- Versions, ids and times --------------------------------------------------------------------------------------

-- The white space that Python's str.strip() takes away, so that the API and the database agree on a name.
CREATE FUNCTION trim_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN btrim(name, E'\t\n\u000b\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005'
                   '\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000');

-- An id nobody has used: the sequence knows nothing of ids that were written by hand.
CREATE FUNCTION next_item_id() RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    candidate bigint;
BEGIN
    LOOP
        candidate := nextval('inventory_id_seq');
        EXIT WHEN NOT EXISTS (SELECT FROM inventory WHERE id = candidate)
              AND NOT EXISTS (SELECT FROM inventory_tombstone WHERE item_id = candidate);
    END LOOP;
    RETURN candidate;
END;
$$;

CREATE FUNCTION inventory_before_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    NEW.name := trim_name(NEW.name);
    NEW.updated_at := clock_timestamp();
    NEW.created_at := coalesce(NEW.created_at, NEW.updated_at);
    IF NEW.id IS NULL THEN
        NEW.id := next_item_id();
        NEW.version := 1;
    ELSE
        -- An id that is given may be one that was deleted, even by a transaction that is still open: the upsert
        -- waits for that one, where a SELECT would not see it.
        INSERT INTO inventory_tombstone AS tombstone (item_id, version)
        VALUES (NEW.id, 0)
        ON CONFLICT (item_id) DO UPDATE SET version = tombstone.version
        RETURNING tombstone.version + 1 INTO NEW.version;
    END IF;
    RETURN NEW;
END;
$$;

CREATE FUNCTION inventory_before_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'the id of an item cannot change'
            USING ERRCODE = 'integrity_constraint_violation', HINT = 'Delete the item and insert another.';
    END IF;
    NEW.name := trim_name(NEW.name);
    IF NEW.name = OLD.name AND NEW.quantity = OLD.quantity THEN
        RETURN OLD; -- a write that changes nothing is no change: same version, no event
    END IF;
    NEW.version := OLD.version + 1;
    NEW.created_at := OLD.created_at;
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END;
$$;

CREATE FUNCTION inventory_bury() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO inventory_tombstone (item_id, version)
    VALUES (OLD.id, OLD.version + 1)
    ON CONFLICT (item_id) DO UPDATE SET version = EXCLUDED.version;
    RETURN NULL;
END;
$$;


-- The log is written -------------------------------------------------------------------------------------------

-- Runs at the end of the transaction, for each row that changed. The lock comes first, then the id: whoever holds it
-- is the only one who draws ids, and keeps it until its commit is visible. So ids are in commit order, and the lock is
-- held for the commit alone. NOTIFY is a doorbell: always the same empty payload, which PostgreSQL folds into one.
CREATE FUNCTION inventory_write_history() RETURNS trigger
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

CREATE FUNCTION inventory_refuse_truncate() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of % is refused: it would leave no trace in the log', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', HINT = 'Use DELETE.';
END;
$$;

CREATE TRIGGER inventory_before_insert BEFORE INSERT ON inventory
    FOR EACH ROW EXECUTE FUNCTION inventory_before_insert();
CREATE TRIGGER inventory_before_update BEFORE UPDATE ON inventory
    FOR EACH ROW EXECUTE FUNCTION inventory_before_update();
CREATE TRIGGER inventory_bury AFTER DELETE ON inventory
    FOR EACH ROW EXECUTE FUNCTION inventory_bury();
CREATE CONSTRAINT TRIGGER inventory_write_history AFTER INSERT OR UPDATE OR DELETE ON inventory
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION inventory_write_history();
CREATE TRIGGER inventory_refuse_truncate BEFORE TRUNCATE ON inventory
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_refuse_truncate();
CREATE TRIGGER inventory_history_refuse_truncate BEFORE TRUNCATE ON inventory_history
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_refuse_truncate();

-- ALWAYS: `SET session_replication_role = replica` silences ordinary triggers, these it must not.
ALTER TABLE inventory ENABLE ALWAYS TRIGGER inventory_before_insert;
ALTER TABLE inventory ENABLE ALWAYS TRIGGER inventory_before_update;
ALTER TABLE inventory ENABLE ALWAYS TRIGGER inventory_bury;
ALTER TABLE inventory ENABLE ALWAYS TRIGGER inventory_write_history;
ALTER TABLE inventory ENABLE ALWAYS TRIGGER inventory_refuse_truncate;
ALTER TABLE inventory_history ENABLE ALWAYS TRIGGER inventory_history_refuse_truncate;


-- Where the log stands -----------------------------------------------------------------------------------------

-- Which log this is. Another cluster, a promoted standby, a restore to a point in time, a dump loaded into a new
-- database or a new table: each gives another epoch, and an id of another epoch is no place in this log.
CREATE FUNCTION log_epoch() RETURNS text
LANGUAGE sql STABLE
RETURN left(encode(sha256(convert_to(concat_ws('/',
    (SELECT system_identifier FROM pg_control_system()),
    left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    'inventory_history'::regclass::oid
), 'UTF8')), 'hex'), 8);

CREATE FUNCTION log_head() RETURNS bigint
LANGUAGE sql STABLE
RETURN coalesce((SELECT max(event_id) FROM inventory_history), 0);

-- The last committed position, as clients hold it: "<epoch>-<event id>".
CREATE FUNCTION log_position() RETURNS text
LANGUAGE sql STABLE
RETURN log_epoch() || '-' || log_head();
