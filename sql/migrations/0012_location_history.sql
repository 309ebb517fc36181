-- An index of the log by location. It is a migration of its own, since others can read the log while it is built.

CREATE INDEX inventory_history_location ON inventory_history (location, event_id DESC);
