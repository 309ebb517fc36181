-- Past states, the changes of each event, and the restore of deleted items.

-- The items at these locations (null: all) as they were after this event, by id: a page of them, or all (null). The
-- document is null if the item did not exist. The document of an item is the one before its next change; without a later
-- change, it is the current one.
DROP FUNCTION IF EXISTS items_as_of(bigint, bigint, integer); -- the earlier form, without locations
CREATE OR REPLACE FUNCTION items_as_of(
    moment bigint, after_id bigint DEFAULT 0, page integer DEFAULT NULL, locations bigint[] DEFAULT NULL
)
RETURNS TABLE (id bigint, document json)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT
        known.id,
        CASE
            WHEN next.event_id IS NOT NULL THEN past_document(next.event_id, next.before)
            WHEN item.id IS NOT NULL THEN item_document(item)
        END
    FROM (
        (
            SELECT i.id
            FROM inventory AS i
            WHERE i.id > after_id AND (locations IS NULL OR i.location = ANY (locations))
            ORDER BY i.id
            LIMIT page
        )
        UNION
        (
            SELECT t.item_id
            FROM inventory_tombstone AS t
            WHERE t.item_id > after_id AND (locations IS NULL OR t.location = ANY (locations))
            ORDER BY t.item_id
            LIMIT page
        )
        ORDER BY 1
        LIMIT page
    ) AS known
    LEFT JOIN inventory AS item
        ON item.id = known.id
        AND (locations IS NULL OR item.location = ANY (locations))
    LEFT JOIN LATERAL (
        SELECT h.event_id, h.before
        FROM inventory_history AS h
        WHERE h.item_id = known.id
          AND h.event_id > moment
          AND (locations IS NULL OR h.location = ANY (locations))
        ORDER BY h.event_id
        LIMIT 1
    ) AS next ON true
    ORDER BY known.id;
END;

-- The changes of an event: each changed field with its old and new value.
CREATE OR REPLACE FUNCTION history_changes(before json, after json) RETURNS json
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT coalesce(json_object_agg(field, json_build_object('from', before -> field, 'to', after -> field)), '{}')
    FROM json_object_keys(coalesce(after, before)) AS field
    WHERE field NOT IN ('id', 'location', 'counted_at', 'version', 'created_at', 'updated_at') -- these follow, or never change
      AND (before ->> field) IS DISTINCT FROM (after ->> field)
);

-- The document of an event in the history. Every answer with an event uses it.
CREATE OR REPLACE FUNCTION history_document(event inventory_history) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT row_to_json(document)
    FROM (
        SELECT
            event.event_id,
            event.item_id,
            event.operation,
            event.actor,
            event.on_behalf_of,
            event.movement,
            event.reason,
            event.note,
            rfc3339(event.changed_at) AS changed_at,
            history_changes(event.before, event.after) AS changes,
            past_document(event.event_id, event.before) AS before,
            past_document(event.event_id, event.after) AS after
    ) AS document
);

-- The data of an event in the stream: one line of JSON. It is declared so that PostgreSQL can inline it into a query.
CREATE OR REPLACE FUNCTION event_data(event inventory_history) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN '{"event":"' || event.operation
    || '","data":' || past_document(event.event_id, coalesce(event.after, event.before))
    || ',"actor":' || to_json(event.actor)
    || coalesce(',"on_behalf_of":' || to_json(event.on_behalf_of), '')
    || coalesce(',"movement":' || event.movement || ',"reason":' || to_json(event.reason), '')
    || coalesce(',"note":' || to_json(event.note), '')
    || ',"changed_at":"' || rfc3339(event.changed_at)
    || '"}';

-- Restore a deleted item of these locations (null: all). Returns no row if it is not deleted, or no longer in the log. The
-- tombstone is locked before the log is read, in order to wait for a deletion in an open transaction.
DROP FUNCTION IF EXISTS restore_item(bigint); -- the earlier form, without locations
CREATE OR REPLACE FUNCTION restore_item(wanted bigint, locations bigint[] DEFAULT NULL) RETURNS SETOF inventory
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM FROM inventory_tombstone WHERE item_id = wanted FOR UPDATE;
    RETURN QUERY
        INSERT INTO inventory
        SELECT item.*
        FROM (
            SELECT h.operation, past_document(h.event_id, h.before) AS document
            FROM inventory_history AS h
            WHERE h.item_id = wanted
              AND (locations IS NULL OR h.location = ANY (locations))
            ORDER BY h.event_id DESC
            LIMIT 1
        ) AS last
        CROSS JOIN json_populate_record(NULL::inventory, last.document) AS item
        WHERE last.operation = 'DELETE'
        ON CONFLICT (id) DO NOTHING
        RETURNING *;
END;
$$;

REVOKE EXECUTE ON FUNCTION restore_item(bigint, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION restore_item(bigint, bigint[]) TO stockstream_api;
