-- Movements: changes that belong together, and the reason for them.

CREATE TABLE movement (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reason       text        NOT NULL CONSTRAINT movement_reason CHECK (reason IN (
        'received', 'sold', 'used', 'counted', 'moved', 'damaged', 'lost', 'returned', 'corrected'
    )),
    note         text
                 CONSTRAINT movement_note_length CHECK (char_length(note) BETWEEN 1 AND 500)
                 CONSTRAINT movement_note_control_characters CHECK (note !~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f]'),
    actor        text        NOT NULL,
    on_behalf_of text,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    undoes       bigint      CONSTRAINT movement_undone_once UNIQUE REFERENCES movement ON DELETE SET NULL,
    transaction  xid8        NOT NULL DEFAULT pg_current_xact_id() -- only this one may add lines
);

-- Each row of the log has the reason and the note of its movement, so that readers of the log need nothing else.
ALTER TABLE inventory_history
    ADD COLUMN movement bigint,
    ADD COLUMN reason text,
    ADD COLUMN note text;

GRANT SELECT ON movement TO stockstream_api;
