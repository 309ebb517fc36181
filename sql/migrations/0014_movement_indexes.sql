-- Indexes for movements. They are a migration of their own, since others can read the tables while they are built.

CREATE INDEX inventory_history_movement ON inventory_history (movement) WHERE movement IS NOT NULL;
CREATE INDEX inventory_history_reason ON inventory_history (reason, event_id DESC) WHERE reason IS NOT NULL;

-- The items that are low.
CREATE INDEX inventory_low ON inventory (location, id) WHERE quantity < minimum;
