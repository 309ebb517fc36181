-- The documents of items, and the triggers that run when an item is written.

-- The document of an item. Answers with an item contain it as PostgreSQL wrote it.
-- row_to_json() keeps the order of fields and adds no white space.
CREATE OR REPLACE FUNCTION item_document(item inventory) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT row_to_json(document)
    FROM (
        SELECT
            item.id,
            item.name,
            item.quantity,
            item.code,
            item.unit,
            item.minimum,
            item.note,
            item.location,
            rfc3339(item.counted_at) AS counted_at,
            item.version,
            rfc3339(item.created_at) AS created_at,
            rfc3339(item.updated_at) AS updated_at
    ) AS document
);

-- document_shape() is a hash of the names of a document's fields. last_event_of_other_shape() is the last event that
-- was written with other fields. Both are computed here, and not in each call. They are not declared immutable, since
-- a cached plan would keep the value of an immutable function. The lock is that of inventory_write_history(), so that
-- no event is written in between.
DO $$
DECLARE
    fields text := (SELECT string_agg(field, ',') FROM json_object_keys(item_document(NULL::inventory)) AS field);
    shape  text := left(md5(fields), 6);
    known  text;
    define text := 'CREATE OR REPLACE FUNCTION %I() RETURNS %I LANGUAGE sql STABLE PARALLEL SAFE RETURN %L::%2$I';
BEGIN
    IF to_regprocedure('document_shape()') IS NOT NULL THEN
        EXECUTE 'SELECT document_shape()' INTO known;
    END IF;
    IF known IS DISTINCT FROM shape THEN
        PERFORM pg_advisory_xact_lock(5310, 1);
        EXECUTE format(define, 'document_shape', 'text', shape);
        EXECUTE format(define, 'last_event_of_other_shape', 'int8', (
            SELECT coalesce(max(event_id), 0) FROM inventory_history
        ));
    END IF;
END;
$$;

-- A document of this event with the current fields: those that did not exist then are null. Before there were locations,
-- everything was in the first one.
CREATE OR REPLACE FUNCTION past_document(event_id bigint, document json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN event_id > last_event_of_other_shape() THEN document
    WHEN document IS NOT NULL THEN item_document(
        json_populate_record(json_populate_record(NULL::inventory, '{"location": 1}'), document)
    )
END;

-- The ETag of an item, without its quotation marks.
CREATE OR REPLACE FUNCTION item_tag(item inventory) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN item.version || '-' || document_shape();

-- Trim the texts of an item, whoever writes it.
CREATE OR REPLACE FUNCTION trim_item(item inventory) RETURNS inventory
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    item.name := trim_text(item.name);
    item.code := trim_text(item.code);
    item.unit := trim_text(item.unit);
    item.note := trim_lines(item.note);
    RETURN item;
END;
$$;

-- An unused id. The sequence does not know ids that were inserted explicitly.
CREATE OR REPLACE FUNCTION next_item_id() RETURNS bigint
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

-- Whether the changes of this transaction are counts.
CREATE OR REPLACE FUNCTION is_counting() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(trim_lines(current_setting('stockstream.reason', true)) = 'counted', false);

CREATE OR REPLACE FUNCTION inventory_before_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    former_location bigint;
BEGIN
    NEW := trim_item(NEW);
    NEW.updated_at := clock_timestamp();
    NEW.created_at := coalesce(NEW.created_at, NEW.updated_at);
    IF NEW.id IS NULL THEN
        NEW.id := next_item_id();
        NEW.version := 1;
    ELSE
        -- A given id may have been deleted, even by a transaction that is still open. The upsert waits for that
        -- transaction; a SELECT would not see its deletion.
        INSERT INTO inventory_tombstone AS tombstone (item_id, version, location)
        VALUES (NEW.id, 0, coalesce((SELECT i.location FROM inventory AS i WHERE i.id = NEW.id), NEW.location))
        ON CONFLICT (item_id) DO UPDATE SET version = tombstone.version
        RETURNING tombstone.version + 1, tombstone.location INTO NEW.version, former_location;
        IF former_location <> NEW.location AND NOT EXISTS (SELECT FROM inventory AS i WHERE i.id = NEW.id) THEN
            RAISE EXCEPTION 'item % was at another location', NEW.id
                USING ERRCODE = 'integrity_constraint_violation', HINT = 'Insert it without an id.';
        END IF; -- an item that exists is a conflict, which the statement may handle
    END IF;
    RETURN NEW;
END;
$$;

CREATE OR REPLACE FUNCTION inventory_before_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'the id of an item cannot change'
            USING ERRCODE = 'integrity_constraint_violation', HINT = 'Delete the item and insert another.';
    END IF;
    IF NEW.location <> OLD.location THEN
        RAISE EXCEPTION 'the location of an item cannot change'
            USING ERRCODE = 'integrity_constraint_violation', HINT = 'Move its quantity to an item there.';
    END IF;
    NEW := trim_item(NEW);
    NEW.version := OLD.version;
    NEW.created_at := OLD.created_at;
    NEW.updated_at := OLD.updated_at;
    NEW.counted_at := CASE WHEN is_counting() THEN clock_timestamp() ELSE OLD.counted_at END;
    IF NEW IS NOT DISTINCT FROM OLD THEN
        RETURN OLD; -- a write that changes nothing is no change, unless it is a count: same version, no event
    END IF;
    NEW.version := OLD.version + 1;
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END;
$$;

CREATE OR REPLACE FUNCTION inventory_bury() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO inventory_tombstone (item_id, version, location)
    VALUES (OLD.id, OLD.version + 1, OLD.location)
    ON CONFLICT (item_id) DO UPDATE SET version = EXCLUDED.version, location = EXCLUDED.location;
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION inventory_index_name() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM inventory_name WHERE item_id = OLD.id;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO inventory_name (item_id, folded) VALUES (NEW.id, search_text(NEW.name, NEW.code));
    ELSIF (NEW.name, NEW.code) IS DISTINCT FROM (OLD.name, OLD.code) THEN
        UPDATE inventory_name SET folded = search_text(NEW.name, NEW.code) WHERE item_id = NEW.id;
    END IF;
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION inventory_refuse_truncate() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of % is refused: it would leave no trace in the log', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', HINT = 'Use DELETE.';
END;
$$;

-- The API may write every column that no trigger fills in. For a new item it may also set the id, the location and
-- created_at.
DO $$
DECLARE
    fields text := (
        SELECT string_agg(quote_ident(attname), ', ')
        FROM pg_attribute
        WHERE attrelid = 'inventory'::regclass
          AND attnum > 0
          AND NOT attisdropped
          AND attname NOT IN ('id', 'location', 'version', 'created_at', 'updated_at', 'counted_at')
    );
BEGIN
    EXECUTE format('GRANT INSERT (id, location, created_at, %1$s), UPDATE (%1$s) ON inventory TO stockstream_api', fields);
END;
$$;
