-- The note of an item: whatever else is to be known of it, in several lines if need be.

ALTER TABLE inventory
    ADD COLUMN note text
        CONSTRAINT inventory_note_length CHECK (char_length(note) BETWEEN 1 AND 2000)
        CONSTRAINT inventory_note_control_characters CHECK (note !~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f]');
