-- Movements: changes of quantities that belong together.

-- name: select_items_for_update(ids, locations)
-- These items, if they are at these locations (null: all). They are locked until the end of the transaction, in the order
-- of their ids, so that two movements can't deadlock.
SELECT i.id, i.name, i.quantity, i.version, i.location, item_document(i)::text AS document
FROM inventory AS i
WHERE i.id = ANY (:ids::bigint[])
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]))
ORDER BY i.id
FOR UPDATE;

-- name: begin_movement(actor, on_behalf_of, reason, note, undoes)$
-- Begin a movement, to which the changes of this transaction belong. Returns its id.
SELECT begin_movement(:actor, :on_behalf_of, :reason, :note, :undoes::bigint);

-- name: set_quantities(ids, quantities)
-- Set the quantities of locked items.
UPDATE inventory AS i
SET quantity = line.quantity
FROM unnest(:ids::bigint[], :quantities::integer[]) AS line (id, quantity)
WHERE i.id = ANY (:ids::bigint[])
  AND i.id = line.id
RETURNING i.id, i.version;

-- name: select_movement(id, locations)$
-- A movement with its lines at these locations (null: all). Null without one.
SELECT movement_document(m, :locations::bigint[])::text
FROM movement AS m
WHERE m.id = :id;

-- name: select_begun_movement(id)^
-- A movement that has no lines yet, since they are logged at the commit.
SELECT actor, on_behalf_of, rfc3339(at) AS at, undoes
FROM movement
WHERE id = :id;

-- name: select_lines(id, most)
-- All lines of a movement, up to this number: the items as they were before it, and after it.
SELECT item_id, location, before::text AS before, after::text AS after, version
FROM movement_lines(:id::bigint, NULL)
LIMIT :most::integer;

-- name: select_is_complete(id)$
-- Whether the log still has all lines of a movement.
SELECT movement_is_complete(:id::bigint);

-- name: select_undone_by(id)$
-- The movement that undoes this one; null if there is none.
SELECT id
FROM movement
WHERE undoes = :id;

-- name: select_twin(item, location)$
-- The same article at another location: by its code, else by its name, unless the codes differ. Names are compared without
-- regard to case. The list is sorted by keys that begin with the folded name, so the index of these keys finds it.
SELECT twin.id
FROM (
    SELECT t.id, 1 AS preference
    FROM inventory AS i
    JOIN inventory AS t ON t.code = i.code
    WHERE i.id = :item
      AND t.location = :location
    UNION ALL
    SELECT t.id, 2 AS preference
    FROM inventory AS i
    JOIN inventory_name AS n ON n.order_key >= name_key(i.name) AND n.order_key < name_key(i.name) || chr(11)
    JOIN inventory AS t ON t.id = n.item_id
    WHERE i.id = :item
      AND t.location = :location
      AND lower_case(t.name) = lower_case(i.name)
      AND (t.code IS NULL OR i.code IS NULL)
) AS twin
ORDER BY twin.preference, twin.id
LIMIT 1;

-- name: select_twins(item, locations)
-- The same article at all other locations, as far as they and its own are among these (null: all): by its code, or
-- without one by its name.
SELECT twin.id
FROM (
    SELECT t.id, t.location, i.location AS own
    FROM inventory AS i
    JOIN inventory AS t ON t.code = i.code
    WHERE i.id = :item
    UNION ALL
    SELECT t.id, t.location, i.location AS own
    FROM inventory AS i
    JOIN inventory_name AS n ON n.order_key >= name_key(i.name) AND n.order_key < name_key(i.name) || chr(11)
    JOIN inventory AS t ON t.id = n.item_id
    WHERE i.id = :item
      AND lower_case(t.name) = lower_case(i.name)
      AND i.code IS NULL
      AND t.code IS NULL
) AS twin
WHERE twin.location <> twin.own
  AND (:locations::bigint[] IS NULL
       OR (twin.location = ANY (:locations::bigint[]) AND twin.own = ANY (:locations::bigint[])))
ORDER BY twin.id;

-- name: lock_new_items(location)!
-- Let one transaction at a time add missing items at a location, until its end.
SELECT pg_advisory_xact_lock(hashtextextended('new items at ' || :location::bigint, 5310));

-- name: copy_item(item, location, quantity)^
-- Add the same article at another location.
INSERT INTO inventory AS i (name, quantity, code, unit, minimum, note, location)
SELECT original.name, :quantity, original.code, original.unit, original.minimum, original.note, :location
FROM inventory AS original
WHERE original.id = :item
RETURNING i.id, i.name, i.quantity, i.version, i.location, item_document(i)::text AS document;

-- name: select_low(locations, after, page)
-- A page of the items below their minimum, in the order of their ids: what is missing to it, and how much is used in a week,
-- as in the last four. Of an item that changes very often, only the last changes count.
SELECT low.id, json_build_object(
    'id', low.id,
    'name', low.name,
    'code', low.code,
    'unit', low.unit,
    'location', low.location,
    'quantity', low.quantity,
    'minimum', low.minimum,
    'missing', low.minimum - low.quantity,
    'used_per_week', (
        SELECT coalesce(round(sum(past.taken) / 4.0), 0)::bigint
        FROM (
            SELECT h.changed_at, h.reason, (h.before ->> 'quantity')::bigint - (h.after ->> 'quantity')::bigint AS taken
            FROM inventory_history AS h
            WHERE h.item_id = low.id
            ORDER BY h.event_id DESC
            LIMIT 5000
        ) AS past
        WHERE past.taken > 0
          AND past.changed_at > now() - interval '28 days'
          AND (past.reason IS NULL OR past.reason NOT IN ('moved', 'counted', 'corrected'))
    )
)::text AS document
FROM inventory AS low
WHERE low.quantity < low.minimum
  AND (:locations::bigint[] IS NULL OR low.location = ANY (:locations::bigint[]))
  AND low.id > :after
ORDER BY low.id
LIMIT :page::integer;
