-- The unit of an item: what its quantity counts, as a label. Nothing is converted.

ALTER TABLE inventory
    ADD COLUMN unit text
        CONSTRAINT inventory_unit_length CHECK (char_length(unit) BETWEEN 1 AND 20)
        CONSTRAINT inventory_unit_control_characters CHECK (unit !~ '[\u0001-\u001f\u007f-\u009f]');
