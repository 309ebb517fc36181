-- When the quantity was last counted, so that a count that matches leaves a trace, too.

ALTER TABLE inventory
    ADD COLUMN counted_at timestamptz;
