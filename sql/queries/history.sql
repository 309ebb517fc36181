-- The log, as the API reads it: the audit trail, past states, trends. Only prune_history writes.

-- name: select_history(locations, actor, item, operation, movement, reason, since, until, after, page)
-- The matching events at these locations before this event, newest first. A null parameter matches every event. Times
-- are converted to event ids, since the log is read in the order of ids; in subqueries, once for all partitions. Below
-- the floor, where only the last events of items are left, this is not possible, so their times are compared, too.
SELECT h.event_id, history_document(h)::text AS document
FROM inventory_history AS h
WHERE (:locations::bigint[] IS NULL OR h.location = ANY (:locations::bigint[]))
  AND (:actor::text IS NULL OR h.actor = :actor)
  AND (:item::bigint IS NULL OR h.item_id = :item)
  AND (:operation::text IS NULL OR h.operation = :operation)
  AND (:movement::bigint IS NULL OR h.movement = :movement)
  AND (:reason::text IS NULL OR h.reason = :reason)
  AND (:since::timestamptz IS NULL
       OR (h.event_id > (SELECT coalesce(log_event_at(:since), 0)) AND h.changed_at > :since))
  AND (:until::timestamptz IS NULL
       OR (h.event_id <= (SELECT coalesce(log_event_at(:until), log_floor())) AND h.changed_at <= :until))
  AND (:after::bigint IS NULL OR h.event_id < :after)
ORDER BY h.event_id DESC
LIMIT :page::integer;

-- name: select_deletions(locations, after, page)
-- The last event of each item that is deleted, latest deletion first, before this event.
SELECT h.event_id, history_document(h)::text AS document
FROM inventory_history AS h
WHERE h.operation = 'DELETE'
  AND (:locations::bigint[] IS NULL OR h.location = ANY (:locations::bigint[]))
  AND (:after::bigint IS NULL OR h.event_id < :after)
  AND NOT EXISTS (
      SELECT FROM inventory_history AS newer
      WHERE newer.item_id = h.item_id
        AND newer.event_id > h.event_id
  )
ORDER BY h.event_id DESC
LIMIT :page::integer;

-- name: select_item_existed(id, locations)$
-- Whether there is an item with this id at one of these locations (null: all), or ever was.
SELECT EXISTS (
    SELECT
    FROM inventory AS i
    WHERE i.id = :id
      AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]))
) OR EXISTS (
    SELECT
    FROM inventory_tombstone AS t
    WHERE t.item_id = :id
      AND (:locations::bigint[] IS NULL OR t.location = ANY (:locations::bigint[]))
);

-- name: select_log_range()^
-- The epoch, floor and head of the log, the time, and the shape of documents.
SELECT
    log_epoch() AS epoch,
    log_floor() AS floor,
    log_head() AS head,
    clock_timestamp() AS now,
    document_shape() AS shape;

-- name: select_event_at(moment)$
-- The last event before this time; null if the log does not reach back that far.
SELECT log_event_at(:moment::timestamptz);

-- name: select_total_trend(locations, since, step, steps, most)
-- The sum of all quantities at these locations (null: all), at evenly spaced times: the current sum, minus all changes
-- since each time. Null for times that are followed by more than :most events, or lie before the beginning of the log.
WITH moments AS MATERIALIZED (
    SELECT number, at, log_event_at(at) AS event_id
    FROM (
        SELECT number, :since::timestamptz + number * :step::interval AS at
        FROM generate_series(0, :steps::integer) AS number
    ) AS evenly_spaced
),
reach AS MATERIALIZED (
    SELECT greatest(log_head() - :most::integer, coalesce(log_event_at(:since), log_floor())) AS event_id
),
changes AS (
    SELECT
        changed_at,
        coalesce((after ->> 'quantity')::bigint, 0) - coalesce((before ->> 'quantity')::bigint, 0) AS difference
    FROM inventory_history
    WHERE event_id > (SELECT reach.event_id FROM reach)
      AND (:locations::bigint[] IS NULL OR location = ANY (:locations::bigint[]))
),
later AS ( -- the sum of the changes between each moment and the next
    SELECT
        width_bucket(
            changed_at - interval '1 microsecond',
            (SELECT array_agg(moments.at ORDER BY moments.number) FROM moments)
        ) - 1 AS number,
        sum(difference) AS difference
    FROM changes
    GROUP BY 1
)
SELECT
    CASE WHEN moments.event_id >= (SELECT reach.event_id FROM reach) THEN
        (
            SELECT coalesce(sum(quantity), 0)
            FROM inventory
            WHERE :locations::bigint[] IS NULL OR location = ANY (:locations::bigint[])
        )
        - coalesce(sum(later.difference) OVER (ORDER BY moments.number DESC), 0)
    END::bigint AS quantity
FROM moments
LEFT JOIN later ON later.number = moments.number
ORDER BY moments.number;

-- name: select_item_trends(locations, items, since, step, steps)
-- The quantities of these items at the same times; null where an item did not exist, or is not at these locations.
WITH moment AS MATERIALIZED (
    SELECT number, log_event_at(:since::timestamptz + number * :step::interval) AS event_id
    FROM generate_series(0, :steps::integer) AS number
)
SELECT
    wanted.id,
    array_agg(
        CASE WHEN next.event_id IS NULL THEN item.quantity ELSE (next.before ->> 'quantity')::integer END
        ORDER BY moment.number
    ) AS quantities
FROM (SELECT DISTINCT unnest(:items::bigint[])) AS wanted (id)
CROSS JOIN moment
LEFT JOIN inventory AS item
    ON item.id = wanted.id
    AND moment.event_id IS NOT NULL
    AND (:locations::bigint[] IS NULL OR item.location = ANY (:locations::bigint[]))
LEFT JOIN LATERAL (
    SELECT h.event_id, h.before
    FROM inventory_history AS h
    WHERE h.item_id = wanted.id
      AND h.event_id > moment.event_id
      AND (:locations::bigint[] IS NULL OR h.location = ANY (:locations::bigint[]))
    ORDER BY h.event_id
    LIMIT 1
) AS next ON true
GROUP BY wanted.id;

-- name: lock_log#
-- Before the first statement of a transaction with one snapshot: wait until old partitions of the log have been
-- dropped, and keep those that are left until the end of the transaction. Otherwise, the snapshot could be older than
-- what it reads.
LOCK TABLE ONLY inventory_history IN ACCESS SHARE MODE;

-- name: extend_log()^
-- Add a partition to the log, if the last one is in use.
SELECT extend_log();

-- name: prune_history(older_than, batch)$
-- Delete a batch of old events. Returns the number of rows processed, 0 when nothing is left to do.
SELECT prune_history(:older_than::interval, :batch::integer);
