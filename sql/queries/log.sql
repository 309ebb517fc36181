-- The log, as the stream reads it. These queries write nothing.

-- name: select_floor()$
-- The log is complete after this event. Older ones may have been pruned.
SELECT log_floor();

-- name: select_events(after, up_to, page)
-- A page of the log: each event as the one line of JSON that its subscribers get.
SELECT
    event_id,
    item_id,
    '{"event":"' || operation
    || '","data":' || past_document(event_id, coalesce(after, before))
    || ',"actor":' || to_json(actor)
    || coalesce(',"on_behalf_of":' || to_json(on_behalf_of), '')
    || ',"changed_at":"' || rfc3339(changed_at)
    || '"}' AS data,
    extract(EPOCH FROM changed_at)::float8 AS changed_at
FROM inventory_history
WHERE event_id > :after
  AND event_id <= :up_to
ORDER BY event_id
LIMIT :page;

-- name: select_items(after, page)^
-- The items with the next ids, as the elements of a JSON array; null as the last id if there are none.
SELECT max(part.id) AS last_id, coalesce(string_agg(part.document, ',' ORDER BY part.id), '') AS documents
FROM (
    SELECT i.id, item_document(i)::text AS document
    FROM inventory AS i
    WHERE i.id > :after
    ORDER BY i.id
    LIMIT :page
) AS part;

-- name: select_items_by_id(ids)$
-- These items, as the elements of a JSON array.
SELECT coalesce(string_agg(item_document(i)::text, ',' ORDER BY i.id), '')
FROM inventory AS i
WHERE i.id = ANY(:ids::bigint[]);
