-- Locations, as somebody sees who may see these and change the items of those (null: all).

-- name: select_locations(visible, editable)$
-- The locations, as a JSON array, in the order of their paths.
SELECT coalesce(json_agg(l.document ORDER BY natural_key(fold_text(l.document ->> 'path')), l.id), '[]')::text
FROM (
    SELECT location.id, location_document(location, :visible::bigint[], :editable::bigint[]) AS document
    FROM location
    WHERE :visible::bigint[] IS NULL OR location.id = ANY (:visible::bigint[])
) AS l;

-- name: select_location(id, visible, editable)$
-- One location.
SELECT location_document(l, :visible::bigint[], :editable::bigint[])::text
FROM location AS l
WHERE l.id = :id
  AND (:visible::bigint[] IS NULL OR l.id = ANY (:visible::bigint[]));

-- name: select_paths(visible)
-- The path of each location.
SELECT l.id, location_path(l.id, :visible::bigint[]) AS path
FROM location AS l
WHERE :visible::bigint[] IS NULL OR l.id = ANY (:visible::bigint[]);

-- name: select_scope(locations, visible)$
-- Those of these locations that are visible, with everything below them, which is visible, too.
SELECT coalesce(array_agg(DISTINCT a.location), '{}')
FROM location_ancestor AS a
WHERE a.ancestor = ANY (:locations::bigint[])
  AND (:visible::bigint[] IS NULL OR a.ancestor = ANY (:visible::bigint[]));

-- name: select_default_location()$
-- The location of items for which none is given.
SELECT default_location();

-- name: insert_location(name, parent)$
-- Create a location.
INSERT INTO location (name, parent)
VALUES (:name, :parent)
RETURNING id;

-- name: rename_location(id, name)$
-- Rename a location. Null if there is no such location.
UPDATE location
SET name = :name
WHERE id = :id
RETURNING id;

-- name: move_location(id, parent)$
-- Move a location to another parent (null: to the top). Null if there is no such location.
UPDATE location
SET parent = :parent
WHERE id = :id
RETURNING id;

-- name: delete_location(id)$
-- Delete a location without items. Returns its name.
DELETE FROM location
WHERE id = :id
RETURNING name;
