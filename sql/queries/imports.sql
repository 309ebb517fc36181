-- An import: many rows in one transaction. JSON arrays go in, so that a thousand rows are one statement.

-- name: begin_import()$
-- Whether no other import is at work; then none is until the end of the transaction. Two that change the same items in
-- another order would end in a deadlock.
SELECT pg_try_advisory_xact_lock(5310, 3);

-- name: compare_items(changes)
-- The items that these changes name, as they are, and whether a change would change them.
SELECT i.id, i.version, json_populate_record(i, change) IS DISTINCT FROM i AS is_changed
FROM json_array_elements(:changes::json) AS change
JOIN inventory AS i ON i.id = (change ->> 'id')::bigint;

-- name: defer_codes()!
-- Check only at the commit that no two items have the same code: rows may exchange theirs.
SET CONSTRAINTS inventory_code_unique DEFERRED;

-- name: select_items_with_codes(codes)
-- The items that have these codes now.
SELECT code, id
FROM inventory
WHERE code = ANY (:codes::text[]);

-- name: lock_items(ids)!
-- Keep these items as they are until the end of the transaction. Locks are taken in the order of ids, as everywhere.
SELECT
FROM inventory
WHERE id = ANY (:ids::bigint[])
ORDER BY id
FOR UPDATE;
