-- An import: many rows in one transaction. Arrays go in, so that a thousand rows are one statement.

-- name: begin_import(actor)$
-- Whether no other import is at work; then none is until the end of the transaction, which the actor is noted for. Two
-- that change the same items in another order would end in a deadlock.
SELECT pg_try_advisory_xact_lock(5310, 3) AND set_config('stockstream.actor', :actor, true) IS NOT NULL;

-- name: insert_items(names, quantities)!
-- New items, in the order of the rows.
INSERT INTO inventory (name, quantity)
SELECT name, quantity
FROM unnest(:names::text[], :quantities::integer[]) WITH ORDINALITY AS row (name, quantity, number)
ORDER BY number;

-- name: compare_items(ids, names, quantities)
-- Items with these ids as they are, and whether the rows would change them.
SELECT i.id, i.version, (i.name, i.quantity) IS DISTINCT FROM (row.name, row.quantity) AS is_changed
FROM unnest(:ids::bigint[], :names::text[], :quantities::integer[]) AS row (id, name, quantity)
JOIN inventory AS i ON i.id = row.id;

-- name: lock_items(ids)!
-- Keep these items as they are until the end of the transaction. Locks are taken in the order of ids, as everywhere.
SELECT
FROM inventory
WHERE id = ANY (:ids::bigint[])
ORDER BY id
FOR UPDATE;

-- name: update_items(ids, names, quantities)!
-- Names and quantities of items that are locked.
UPDATE inventory AS i
SET name = row.name,
    quantity = row.quantity
FROM unnest(:ids::bigint[], :names::text[], :quantities::integer[]) AS row (id, name, quantity)
WHERE i.id = row.id;
