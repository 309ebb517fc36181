-- Items as documents, which are sent to the client as they are. Each write sets its actor and its reason in the same
-- statement; these last until the commit, when the row of the log is written. For a write, items at other locations than these
-- (null: all) do not exist.

-- name: select_items()^
-- The whole stock, latest change first, and its state in the same snapshot.
SELECT
    '[' || coalesce(string_agg(item_document(i)::text, ',' ORDER BY i.updated_at DESC, i.id DESC), '') || ']' AS items,
    log_position() AS position,
    document_shape() AS shape
FROM inventory AS i;

-- name: select_state()^
-- The current position in the log, and the shape of documents.
SELECT log_position() AS position, document_shape() AS shape;

-- Pages of the stock, each read from an index. Parameters: the text to search names and codes for (null: any), the
-- code (null: any), whether only low items are wanted, the locations (null: all), and the sort key and id of the last
-- item of the previous page (null: the first page). Keys are passed as text. Each row has the state of the stock, so that
-- both are from the same snapshot.

-- name: select_items_by_updated_at(text, code, low, locations, after_key, after_id, page)
-- Oldest change first.
SELECT
    i.id,
    rfc3339(i.updated_at) AS key,
    item_document(i)::text AS document,
    (SELECT log_position()) AS position,
    document_shape() AS shape
FROM inventory AS i
JOIN inventory_name AS n ON n.item_id = i.id
WHERE (:text::text IS NULL
       OR (n.folded LIKE (search_words(:text))[1] AND n.folded LIKE ALL (search_words(:text))))
  AND (:code::text IS NULL OR i.code = :code)
  AND (NOT :low::boolean OR i.quantity < i.minimum)
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]))
  AND (:after_id::bigint IS NULL OR (i.updated_at, i.id) > (:after_key::text::timestamptz, :after_id))
ORDER BY i.updated_at ASC, i.id ASC
LIMIT :page::integer;

-- name: select_items_by_updated_at_descending(text, code, low, locations, after_key, after_id, page)
-- Latest change first.
SELECT
    i.id,
    rfc3339(i.updated_at) AS key,
    item_document(i)::text AS document,
    (SELECT log_position()) AS position,
    document_shape() AS shape
FROM inventory AS i
JOIN inventory_name AS n ON n.item_id = i.id
WHERE (:text::text IS NULL
       OR (n.folded LIKE (search_words(:text))[1] AND n.folded LIKE ALL (search_words(:text))))
  AND (:code::text IS NULL OR i.code = :code)
  AND (NOT :low::boolean OR i.quantity < i.minimum)
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]))
  AND (:after_id::bigint IS NULL OR (i.updated_at, i.id) < (:after_key::text::timestamptz, :after_id))
ORDER BY i.updated_at DESC, i.id DESC
LIMIT :page::integer;

-- name: select_items_by_name(text, code, low, locations, after_key, after_id, page)
-- By name, A to Z. Numbers in names are compared by value.
SELECT
    i.id,
    n.order_key AS key,
    item_document(i)::text AS document,
    (SELECT log_position()) AS position,
    document_shape() AS shape
FROM inventory AS i
JOIN inventory_name AS n ON n.item_id = i.id
WHERE (:text::text IS NULL
       OR (n.folded LIKE (search_words(:text))[1] AND n.folded LIKE ALL (search_words(:text))))
  AND (:code::text IS NULL OR i.code = :code)
  AND (NOT :low::boolean OR i.quantity < i.minimum)
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]))
  AND (:after_id::bigint IS NULL OR (n.order_key, n.item_id) > (:after_key::text, :after_id))
ORDER BY n.order_key ASC, n.item_id ASC
LIMIT :page::integer;

-- name: select_items_by_name_descending(text, code, low, locations, after_key, after_id, page)
-- By name, Z to A. Numbers in names are compared by value.
SELECT
    i.id,
    n.order_key AS key,
    item_document(i)::text AS document,
    (SELECT log_position()) AS position,
    document_shape() AS shape
FROM inventory AS i
JOIN inventory_name AS n ON n.item_id = i.id
WHERE (:text::text IS NULL
       OR (n.folded LIKE (search_words(:text))[1] AND n.folded LIKE ALL (search_words(:text))))
  AND (:code::text IS NULL OR i.code = :code)
  AND (NOT :low::boolean OR i.quantity < i.minimum)
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]))
  AND (:after_id::bigint IS NULL OR (n.order_key, n.item_id) < (:after_key::text, :after_id))
ORDER BY n.order_key DESC, n.item_id DESC
LIMIT :page::integer;

-- name: select_items_by_quantity(text, code, low, locations, after_key, after_id, page)
-- Lowest quantity first.
SELECT
    i.id,
    i.quantity::text AS key,
    item_document(i)::text AS document,
    (SELECT log_position()) AS position,
    document_shape() AS shape
FROM inventory AS i
JOIN inventory_name AS n ON n.item_id = i.id
WHERE (:text::text IS NULL
       OR (n.folded LIKE (search_words(:text))[1] AND n.folded LIKE ALL (search_words(:text))))
  AND (:code::text IS NULL OR i.code = :code)
  AND (NOT :low::boolean OR i.quantity < i.minimum)
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]))
  AND (:after_id::bigint IS NULL OR (i.quantity, i.id) > (:after_key::text::integer, :after_id))
ORDER BY i.quantity ASC, i.id ASC
LIMIT :page::integer;

-- name: select_items_by_quantity_descending(text, code, low, locations, after_key, after_id, page)
-- Highest quantity first.
SELECT
    i.id,
    i.quantity::text AS key,
    item_document(i)::text AS document,
    (SELECT log_position()) AS position,
    document_shape() AS shape
FROM inventory AS i
JOIN inventory_name AS n ON n.item_id = i.id
WHERE (:text::text IS NULL
       OR (n.folded LIKE (search_words(:text))[1] AND n.folded LIKE ALL (search_words(:text))))
  AND (:code::text IS NULL OR i.code = :code)
  AND (NOT :low::boolean OR i.quantity < i.minimum)
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]))
  AND (:after_id::bigint IS NULL OR (i.quantity, i.id) < (:after_key::text::integer, :after_id))
ORDER BY i.quantity DESC, i.id DESC
LIMIT :page::integer;

-- name: select_past_items(moment, text, code, low, locations, sort, descending, after_key, after_id, page)
-- A page of the stock as it was at an event.
SELECT past.id, past.key, past.document::text AS document
FROM (
    SELECT
        item.id,
        item.document,
        CASE :sort::text
            WHEN 'name' THEN natural_key(search_text(item.document ->> 'name', item.document ->> 'code'))
            WHEN 'quantity' THEN lpad(item.document ->> 'quantity', 10, '0')
            ELSE item.document ->> 'updated_at'
        END COLLATE "C" AS key
    FROM items_as_of(:moment::bigint, locations => :locations::bigint[]) AS item
    WHERE item.document IS NOT NULL
      AND (:text::text IS NULL
           OR search_text(item.document ->> 'name', item.document ->> 'code') LIKE ALL (search_words(:text)))
      AND (:code::text IS NULL OR item.document ->> 'code' = :code)
      AND (NOT :low::boolean OR (item.document ->> 'quantity')::integer < (item.document ->> 'minimum')::integer)
) AS past
WHERE :after_id::bigint IS NULL
   OR CASE
          WHEN :descending::boolean THEN (past.key, past.id) < (:after_key::text, :after_id)
          ELSE (past.key, past.id) > (:after_key::text, :after_id)
      END
ORDER BY
    CASE WHEN :descending THEN past.key END DESC,
    CASE WHEN :descending THEN past.id END DESC,
    past.key,
    past.id
LIMIT :page::integer;

-- name: select_page_of_past_items(moment, text, code, low, locations, after_id, page)
-- A page of the stock as it was at an event, sorted by id. The document is null if the item did not exist or
-- does not match.
SELECT
    item.id,
    CASE
        WHEN (:text::text IS NULL
              OR search_text(item.document ->> 'name', item.document ->> 'code') LIKE ALL (search_words(:text)))
         AND (:code::text IS NULL OR item.document ->> 'code' = :code)
         AND (NOT :low::boolean OR (item.document ->> 'quantity')::integer < (item.document ->> 'minimum')::integer)
        THEN item.document::text
    END AS document
FROM items_as_of(:moment::bigint, :after_id::bigint, :page::integer, :locations::bigint[]) AS item;

-- name: select_item(id, locations)^
-- One item, if it is at one of these locations (null: all).
SELECT i.id, i.version, item_tag(i) AS tag, item_document(i)::text AS document
FROM inventory AS i
WHERE i.id = :id
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]));

-- name: select_item_with_code(code, location, locations)^
-- The item that has this code at a location, if that is one of these locations (null: all).
SELECT i.id, i.version, item_tag(i) AS tag, item_document(i)::text AS document
FROM inventory AS i
WHERE i.code = :code
  AND i.location = :location
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]));

-- name: lock_items(ids, locations)!
-- Lock these items, if they are at these locations (null: all), until the end of the transaction. One statement locks in
-- the order of ids; two transactions that each have several such statements may deadlock, and one of them then fails.
SELECT
FROM inventory AS i
WHERE i.id = ANY (:ids::bigint[])
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]))
ORDER BY i.id
FOR UPDATE;

-- name: select_label_texts(ids, locations)
-- What the labels of these items say, as far as they are at these locations (null: all).
SELECT i.id, i.name, i.code, i.location
FROM inventory AS i
WHERE i.id = ANY (:ids::bigint[])
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]));

-- name: insert_items(actor, on_behalf_of, reason, note, items)
-- Insert items, in this order. Each is a JSON object with fields, and perhaps a location.
WITH actor AS MATERIALIZED (SELECT sign_change(:actor, :on_behalf_of, :reason, :note))
INSERT INTO inventory AS i (name, quantity, code, unit, minimum, note, location)
SELECT new.name, new.quantity, new.code, new.unit, new.minimum, new.note, coalesce(new.location, default_location())
FROM actor
CROSS JOIN json_populate_recordset(NULL::inventory, :items::json) AS new
RETURNING i.id, i.version, item_tag(i) AS tag, item_document(i)::text AS document;

-- name: update_items(actor, on_behalf_of, reason, note, locations, changes, versions)
-- Update items. Each change is a JSON object with an id and the fields to set. With versions, items with other versions
-- are skipped. The array of ids makes the planner use the primary key. It expects 100 rows from any JSON array, and
-- to find that many it would read the whole of a small table.
WITH actor AS MATERIALIZED (SELECT sign_change(:actor, :on_behalf_of, :reason, :note))
UPDATE inventory AS i
SET (name, quantity, code, unit, minimum, note) = (
    SELECT new.name, new.quantity, new.code, new.unit, new.minimum, new.note
    FROM json_populate_record(i, change) AS new
)
FROM actor
CROSS JOIN json_array_elements(:changes::json) AS change
WHERE i.id = ANY (ARRAY(SELECT (each ->> 'id')::bigint FROM json_array_elements(:changes::json) AS each))
  AND i.id = (change ->> 'id')::bigint
  AND (:versions::bigint[] IS NULL OR i.version = ANY (:versions::bigint[]))
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]))
RETURNING i.id, i.version, item_tag(i) AS tag, item_document(i)::text AS document;

-- name: adjust_item(actor, on_behalf_of, reason, note, locations, adjust, id, versions)^
-- Add to the quantity, if the result is in range.
WITH actor AS MATERIALIZED (SELECT sign_change(:actor, :on_behalf_of, :reason, :note))
UPDATE inventory AS i
SET quantity = i.quantity + :adjust::integer
FROM actor
WHERE i.id = :id
  AND i.quantity + :adjust::bigint BETWEEN 0 AND 2147483647
  AND (:versions::bigint[] IS NULL OR i.version = ANY (:versions::bigint[]))
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]))
RETURNING i.id, i.version, item_tag(i) AS tag, item_document(i)::text AS document;

-- name: delete_item(actor, on_behalf_of, reason, note, locations, id, versions)^
-- Delete an item, if it has one of these versions (null: any).
WITH actor AS MATERIALIZED (SELECT sign_change(:actor, :on_behalf_of, :reason, :note))
DELETE FROM inventory AS i
USING actor
WHERE i.id = :id
  AND (:versions::bigint[] IS NULL OR i.version = ANY (:versions::bigint[]))
  AND (:locations::bigint[] IS NULL OR i.location = ANY (:locations::bigint[]))
RETURNING i.id, i.version, item_tag(i) AS tag, item_document(i)::text AS document;

-- name: restore_item(actor, on_behalf_of, reason, note, locations, id)^
-- Restore a deleted item.
WITH actor AS MATERIALIZED (SELECT sign_change(:actor, :on_behalf_of, :reason, :note))
SELECT i.id, i.version, item_tag(i) AS tag, item_document(i)::text AS document
FROM actor
CROSS JOIN restore_item(:id::bigint, :locations::bigint[]) AS i;
