-- The log, as the stream reads it. Nothing here writes.

-- name: select_epoch_and_head()^
-- Which log this is, and its last committed event.
SELECT log_epoch() AS epoch, log_head() AS head;

-- name: select_floor()$
-- The log is whole after this event; what came before may have been pruned.
SELECT log_floor();

-- name: select_notification_queue_usage()$
-- The share of the notification queue that is in use; when it is full, commits fail.
SELECT pg_notification_queue_usage();

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

-- name: ring_doorbell(token)$
-- What a commit does to its listeners, done by the listener to itself.
SELECT pg_notify('inventory_history', :token);
