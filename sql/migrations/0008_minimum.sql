-- The level below which an item is low.

ALTER TABLE inventory
    ADD COLUMN minimum integer
        CONSTRAINT inventory_minimum_negative CHECK (minimum >= 0);
