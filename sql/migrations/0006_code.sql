-- The code of an item: an article number or a barcode. Of the items that exist, no two have the same.

-- It is checked at the end of a statement, or of an import, so that two items can exchange their codes.
ALTER TABLE inventory
    ADD COLUMN code text
        CONSTRAINT inventory_code_length CHECK (char_length(code) BETWEEN 1 AND 100)
        CONSTRAINT inventory_code_control_characters CHECK (code !~ '[\u0001-\u001f\u007f-\u009f]')
        CONSTRAINT inventory_code_unique UNIQUE DEFERRABLE INITIALLY IMMEDIATE;

COMMENT ON TABLE inventory IS 'The stock. The id, the version and the times are filled in by triggers; write the rest.';

-- A search looks through codes too.
DROP TRIGGER inventory_index_name ON inventory;
CREATE TRIGGER inventory_index_name AFTER INSERT OR DELETE OR UPDATE OF name, code ON inventory
    FOR EACH ROW EXECUTE FUNCTION inventory_index_name();
ALTER TABLE inventory ENABLE ALWAYS TRIGGER inventory_index_name;
