-- The log, as the stream reads it. These queries write nothing.

-- name: select_floor()$
-- The log is complete after this event. Older ones may have been pruned.
SELECT log_floor();

-- name: select_events(after, up_to, page)
-- A page of the log: each event as the one line of JSON that its subscribers get.
SELECT
    event_id,
    item_id,
    location,
    event_data(event) AS data,
    extract(EPOCH FROM changed_at)::float8 AS changed_at
FROM inventory_history AS event
WHERE event_id > :after
  AND event_id <= :up_to
ORDER BY event_id
LIMIT :page;

-- name: select_block(epoch, after, up_to)
-- The epoch, floor and head of the log, each with an event of the block, all in one snapshot. Without an event (null) if
-- the block has none, if this is another log, or if it ends before the block does.
WITH log AS MATERIALIZED (
    SELECT log_epoch() AS epoch, log_floor() AS floor, log_head() AS head
)
SELECT
    log.epoch,
    log.floor,
    log.head,
    event.event_id,
    event.item_id,
    event.location,
    event_data(event) AS data,
    extract(EPOCH FROM event.changed_at)::float8 AS changed_at
FROM log
LEFT JOIN inventory_history AS event
    ON event.event_id > :after
    AND event.event_id <= :up_to
    AND log.epoch = :epoch
    AND log.head >= :up_to
ORDER BY event.event_id;

-- name: select_items(locations, after, page)^
-- The items at these locations (null: all) with the next ids, as the elements of a JSON array; null as the last id if
-- there are none.
SELECT max(part.id) AS last_id, coalesce(string_agg(part.document, ',' ORDER BY part.id), '') AS documents
FROM (
    SELECT i.id, item_document(i)::text AS document
    FROM inventory AS i
    WHERE i.id > :after
      AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]))
    ORDER BY i.id
    LIMIT :page
) AS part;

-- name: select_items_by_id(ids, locations)$
-- These items, if they are at these locations (null: all), as the elements of a JSON array.
SELECT coalesce(string_agg(item_document(i)::text, ',' ORDER BY i.id), '')
FROM inventory AS i
WHERE i.id = ANY (:ids::bigint[])
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]));

-- name: select_tree()
-- Each location with each one that it lies in, itself included.
SELECT location, ancestor
FROM location_ancestor;

-- name: select_tree_change()$
-- When the tree of locations changed last; null if it never did.
SELECT changed_at
FROM rights_change
WHERE principal IS NULL;

-- name: select_event_time(event_id)$
-- When the last event up to this one was committed; null if the log does not reach back that far.
SELECT changed_at
FROM inventory_history
WHERE inventory_history.event_id <= :event_id
ORDER BY inventory_history.event_id DESC
LIMIT 1;
