-- Items, as documents: text from here to the client. Each write names its actor for the log in the same statement;
-- the setting lasts until the commit, which is when the log row is written.

-- name: select_items()^
-- The whole stock, newest change first, and where the log stood in the same snapshot.
SELECT
    '[' || coalesce(string_agg(item_document(i)::text, ',' ORDER BY i.updated_at DESC, i.id DESC), '') || ']' AS items,
    log_position() AS position
FROM inventory AS i;

-- name: select_position()$
-- Where the log stands now.
SELECT log_position();

-- name: select_item(id)^
SELECT i.version, item_document(i)::text AS document
FROM inventory AS i
WHERE i.id = :id;

-- name: insert_item(actor, name, quantity)^
WITH actor AS MATERIALIZED (SELECT set_config('stockstream.actor', :actor, true))
INSERT INTO inventory AS i (name, quantity)
SELECT :name::text, :quantity::integer
FROM actor
RETURNING i.id, i.version, item_document(i)::text AS document;

-- name: update_item(actor, quantity, name, id, versions)^
-- Sets what is given, if the item still has one of these versions (null: whatever it has).
WITH actor AS MATERIALIZED (SELECT set_config('stockstream.actor', :actor, true))
UPDATE inventory AS i
SET quantity = :quantity::integer,
    name = coalesce(:name::text, i.name)
FROM actor
WHERE i.id = :id
  AND (:versions::bigint[] IS NULL OR i.version = ANY (:versions::bigint[]))
RETURNING i.version, item_document(i)::text AS document;

-- name: adjust_item(actor, adjust, id, versions)^
-- Adds to the quantity, unless that would leave its range.
WITH actor AS MATERIALIZED (SELECT set_config('stockstream.actor', :actor, true))
UPDATE inventory AS i
SET quantity = i.quantity + :adjust::integer
FROM actor
WHERE i.id = :id
  AND i.quantity + :adjust::bigint BETWEEN 0 AND 2147483647
  AND (:versions::bigint[] IS NULL OR i.version = ANY (:versions::bigint[]))
RETURNING i.version, item_document(i)::text AS document;

-- name: delete_item(actor, id, versions)^
WITH actor AS MATERIALIZED (SELECT set_config('stockstream.actor', :actor, true))
DELETE FROM inventory AS i
USING actor
WHERE i.id = :id
  AND (:versions::bigint[] IS NULL OR i.version = ANY (:versions::bigint[]))
RETURNING i.version, item_document(i)::text AS document;
