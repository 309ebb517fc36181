-- Queries of an import, in one transaction. They take JSON arrays, so that one statement handles a thousand rows.

-- name: begin_import()$
-- Lock out other imports until the end of the transaction; false if one is running. Two imports that change the same
-- items in different orders would deadlock.
SELECT pg_try_advisory_xact_lock(5310, 3);

-- name: compare_items(changes, locations)
-- The version and the location of each item in these changes, if it is at these locations (null: all), and whether its
-- row would change the item.
SELECT i.id, i.version, i.location, json_populate_record(i, change) IS DISTINCT FROM i AS is_changed
FROM json_array_elements(:changes::json) AS change
JOIN inventory AS i ON i.id = (change ->> 'id')::bigint
WHERE :locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]);

-- name: defer_codes()!
-- Check the uniqueness of codes at the commit, so that rows can exchange codes.
SET CONSTRAINTS inventory_code_unique DEFERRED;

-- name: select_items_with_codes(codes, locations)
-- The items at these locations (null: all) that have these codes.
SELECT code, location, id
FROM inventory
WHERE code = ANY (:codes::text[])
  AND (:locations::bigint[] IS NULL OR location = ANY (:locations::bigint[]));
