-- Queries of an import, in one transaction. They take JSON arrays, so that one statement handles a thousand rows.

-- name: begin_import()$
-- Lock out other imports until the end of the transaction; false if one is running. Two imports that change the same
-- items in different orders would deadlock.
SELECT pg_try_advisory_xact_lock(5310, 3);

-- name: compare_items(changes)
-- The version of each item in these changes, and whether its row would change the item.
SELECT i.id, i.version, json_populate_record(i, change) IS DISTINCT FROM i AS is_changed
FROM json_array_elements(:changes::json) AS change
JOIN inventory AS i ON i.id = (change ->> 'id')::bigint;

-- name: defer_codes()!
-- Check the uniqueness of codes at the commit, so that rows can exchange codes.
SET CONSTRAINTS inventory_code_unique DEFERRED;

-- name: select_items_with_codes(codes)
-- The items that have these codes.
SELECT code, id
FROM inventory
WHERE code = ANY (:codes::text[]);

-- name: lock_items(ids)!
-- Lock these items until the end of the transaction. Locks are always taken in the order of ids.
SELECT
FROM inventory
WHERE id = ANY (:ids::bigint[])
ORDER BY id
FOR UPDATE;
