-- An import: many rows in one transaction. Arrays go in, so that a thousand rows are one statement.

-- name: begin_import(actor)!
-- One import at a time: two that change the same items in another order would end in a deadlock.
SELECT pg_advisory_xact_lock(5310, 3), set_config('stockstream.actor', :actor, true);

-- name: insert_items(names, quantities)!
INSERT INTO inventory (name, quantity)
SELECT name, quantity
FROM unnest(:names::text[], :quantities::integer[]) WITH ORDINALITY AS row (name, quantity, number)
ORDER BY number;

-- name: lock_items(ids)
-- The versions of these items, which then stay as they are until the end of the transaction.
SELECT id, version
FROM inventory
WHERE id = ANY (:ids::bigint[])
ORDER BY id
FOR UPDATE;

-- name: update_items(ids, names, quantities)
UPDATE inventory AS i
SET name = row.name,
    quantity = row.quantity
FROM unnest(:ids::bigint[], :names::text[], :quantities::integer[]) AS row (id, name, quantity)
WHERE i.id = row.id
RETURNING i.id, i.version;
