-- What readers of the stock and its log need: search, order, time travel, an audit trail, and a log that may be pruned.

CREATE EXTENSION IF NOT EXISTS unaccent; -- both are trusted: the owner of the database may create them
CREATE EXTENSION IF NOT EXISTS pg_trgm;


-- Search and order ---------------------------------------------------------------------------------------------

-- Case and accents taken away: decomposed, without its combining marks, and what does not decompose (ø, ł, ß) by
-- unaccent. Σ has two small letters, of which lower() knows one. A text may grow by this; the cut keeps it within what
-- an index can hold.
CREATE FUNCTION fold_text(original text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN left(translate(lower(unaccent('unaccent'::regdictionary,
    regexp_replace(normalize(original, NFKD), '[\u0300-\u036f]', '', 'g'))), 'ς', 'σ'), 400);

-- The folded name of each item, beside the table: an item's row is written anew with every change of its quantity, and
-- with it each entry in each index, which for the trigrams of a name costs more than all the rest.
CREATE TABLE inventory_name (
    item_id bigint PRIMARY KEY,
    folded  text   NOT NULL
);

CREATE INDEX inventory_name_order ON inventory_name (folded, item_id);
CREATE INDEX inventory_name_search ON inventory_name USING gin (folded gin_trgm_ops);
CREATE INDEX inventory_quantity ON inventory (quantity, id);

CREATE FUNCTION inventory_index_name() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM inventory_name WHERE item_id = OLD.id;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO inventory_name (item_id, folded) VALUES (NEW.id, fold_text(NEW.name));
    ELSIF NEW.name <> OLD.name THEN
        UPDATE inventory_name SET folded = fold_text(NEW.name) WHERE item_id = NEW.id;
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER inventory_index_name AFTER INSERT OR DELETE OR UPDATE OF name ON inventory
    FOR EACH ROW EXECUTE FUNCTION inventory_index_name();
ALTER TABLE inventory ENABLE ALWAYS TRIGGER inventory_index_name;

INSERT INTO inventory_name (item_id, folded)
SELECT id, fold_text(name)
FROM inventory;


-- Where the log begins -----------------------------------------------------------------------------------------

-- The log is whole after this event: what came before may have been pruned. One row.
CREATE TABLE inventory_history_floor (
    event_id   bigint      NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX inventory_history_one_floor ON inventory_history_floor ((true));
INSERT INTO inventory_history_floor (event_id, changed_at) VALUES (0, '-infinity');

CREATE FUNCTION log_floor() RETURNS bigint
LANGUAGE sql STABLE
RETURN (SELECT event_id FROM inventory_history_floor);

-- Not below the floor, even if nothing is left above it.
CREATE OR REPLACE FUNCTION log_head() RETURNS bigint
LANGUAGE sql STABLE
RETURN greatest((SELECT max(event_id) FROM inventory_history), log_floor());

CREATE INDEX inventory_history_time ON inventory_history (changed_at, event_id);
CREATE INDEX inventory_history_actor ON inventory_history (actor, event_id);
CREATE INDEX inventory_history_deletions ON inventory_history (event_id) WHERE operation = 'DELETE';

-- The last event that had been committed at this time; null where the log no longer reaches back that far.
CREATE FUNCTION log_event_at(moment timestamptz) RETURNS bigint
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


-- Time travel --------------------------------------------------------------------------------------------------

-- The items as a reader of the log had them who had seen everything up to this event, in the order of their ids; a page
-- of them, or all (null). An item that did not exist then has no document. What an item was is what its next change
-- found, and where there is none, what it is.
CREATE FUNCTION items_as_of(moment bigint, after_id bigint DEFAULT 0, page integer DEFAULT NULL)
RETURNS TABLE (id bigint, document json)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT
        known.id,
        CASE
            WHEN next.event_id IS NOT NULL THEN next.before
            WHEN item.id IS NOT NULL THEN item_document(item)
        END
    FROM (
        (SELECT i.id FROM inventory AS i WHERE i.id > after_id ORDER BY i.id LIMIT page)
        UNION
        (SELECT t.item_id FROM inventory_tombstone AS t WHERE t.item_id > after_id ORDER BY t.item_id LIMIT page)
        ORDER BY 1
        LIMIT page
    ) AS known
    LEFT JOIN inventory AS item ON item.id = known.id
    LEFT JOIN LATERAL (
        SELECT h.event_id, h.before
        FROM inventory_history AS h
        WHERE h.item_id = known.id
          AND h.event_id > moment
        ORDER BY h.event_id
        LIMIT 1
    ) AS next ON true
    ORDER BY known.id;
END;


-- The audit trail ----------------------------------------------------------------------------------------------

-- What changed in an event: each field with what it was and what it became.
CREATE FUNCTION history_changes(before json, after json) RETURNS json
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT coalesce(json_object_agg(field, json_build_object('from', before -> field, 'to', after -> field)), '{}')
    FROM unnest(ARRAY['name', 'quantity']) AS field
    WHERE (before ->> field) IS DISTINCT FROM (after ->> field)
);

-- The one place that says what an event of the log looks like to those who read its history.
CREATE FUNCTION history_document(event inventory_history) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT row_to_json(document)
    FROM (
        SELECT
            event.event_id,
            event.item_id,
            event.operation,
            event.actor,
            rfc3339(event.changed_at) AS changed_at,
            history_changes(event.before, event.after) AS changes,
            event.before,
            event.after
    ) AS document
);


-- Restore ------------------------------------------------------------------------------------------------------

-- Bring a deleted item back as it was when it was deleted; no row if it is not deleted, or the log no longer has it.
-- The tombstone is locked first and the log read after that: a deletion that is still open is waited for.
CREATE FUNCTION restore_item(wanted bigint) RETURNS SETOF inventory
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM FROM inventory_tombstone WHERE item_id = wanted FOR UPDATE;
    RETURN QUERY
        INSERT INTO inventory (id, name, quantity, created_at)
        SELECT wanted, last.before ->> 'name', (last.before ->> 'quantity')::integer,
               (last.before ->> 'created_at')::timestamptz
        FROM (
            SELECT h.operation, h.before
            FROM inventory_history AS h
            WHERE h.item_id = wanted
            ORDER BY h.event_id DESC
            LIMIT 1
        ) AS last
        WHERE last.operation = 'DELETE'
        ON CONFLICT (id) DO NOTHING
        RETURNING *;
END;
$$;


-- Retention ----------------------------------------------------------------------------------------------------

-- Take the oldest events away, a batch for each call, and move the floor past them; returns how many events the floor
-- has passed, 0 when there are none left that are older. The last event of a living item stays. The service that calls
-- this can't touch the log in any other way, so what is young is safe from it here.
CREATE FUNCTION prune_history(older_than interval, batch integer) RETURNS integer
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


-- Retries ------------------------------------------------------------------------------------------------------

-- What a request with an Idempotency-Key was answered, so that the same request gets the same answer for a day.
CREATE TABLE idempotency_key (
    key        text        PRIMARY KEY,
    request    bytea       NOT NULL, -- a digest of method, path and body
    status     smallint,
    headers    json,
    body       text,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idempotency_key_age ON idempotency_key (created_at);


-- What each service may do -------------------------------------------------------------------------------------

REVOKE EXECUTE ON FUNCTION prune_history(interval, integer), restore_item(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prune_history(interval, integer), restore_item(bigint) TO stockstream_api;
GRANT SELECT ON inventory_name, inventory_tombstone, inventory_history_floor TO stockstream_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_key TO stockstream_api;
GRANT SELECT ON inventory_history_floor TO stockstream_stream;
