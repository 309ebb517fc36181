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
    || ',"changed_at":"' || rfc3339(changed_at)
    || '"}' AS data
FROM inventory_history
WHERE event_id > :after
  AND event_id <= :up_to
ORDER BY event_id
LIMIT :page;

-- name: select_snapshot()
-- The stock, oldest item first, as documents.
SELECT i.id, item_document(i)::text AS document
FROM inventory AS i
ORDER BY i.id;
