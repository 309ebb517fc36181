-- Locations: where an item is. A role can be granted for a location, and then holds for everything below it.

CREATE TABLE location (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name   text   NOT NULL
           CONSTRAINT location_name_length CHECK (char_length(name) BETWEEN 1 AND 100)
           CONSTRAINT location_name_characters CHECK (name !~ '[/\u0001-\u001f\u007f-\u009f]'), -- paths have slashes
    parent bigint CONSTRAINT location_parent REFERENCES location -- null: at the top
);

CREATE UNIQUE INDEX location_name_unique ON location (parent, lower_case(name)) NULLS NOT DISTINCT;

-- Each location with itself and with every location that it lies in. A trigger keeps it up to date.
CREATE TABLE location_ancestor (
    location bigint NOT NULL,
    ancestor bigint NOT NULL,
    PRIMARY KEY (ancestor, location)
);

CREATE INDEX location_ancestor_location ON location_ancestor (location);

-- What there is so far is in the first location, whose id is 1.
INSERT INTO location (name) VALUES ('Main');
INSERT INTO location_ancestor (location, ancestor) VALUES (1, 1);

-- The defaults are constants for the rows that exist, so that the tables are not rewritten. New rows get theirs from
-- triggers and from default_location().
CREATE FUNCTION default_location() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
RETURN (SELECT min(id) FROM location);

ALTER TABLE inventory
    ADD COLUMN location bigint NOT NULL DEFAULT 1 CONSTRAINT inventory_location REFERENCES location;
ALTER TABLE inventory ALTER COLUMN location SET DEFAULT default_location();
ALTER TABLE inventory_history ADD COLUMN location bigint NOT NULL DEFAULT 1;
ALTER TABLE inventory_tombstone ADD COLUMN location bigint NOT NULL DEFAULT 1;

-- The same article in two places is two items with the same code.
ALTER TABLE inventory DROP CONSTRAINT inventory_code_unique;
ALTER TABLE inventory ADD CONSTRAINT inventory_code_unique UNIQUE (code, location) DEFERRABLE INITIALLY IMMEDIATE;

CREATE INDEX inventory_location_items ON inventory (location, id);

ALTER TABLE access_grant
    ADD CONSTRAINT access_grant_location FOREIGN KEY (location) REFERENCES location ON DELETE CASCADE;

-- When the rights of a principal at single locations changed last. Null stands for all: when the tree of locations changed.
CREATE TABLE rights_change (
    principal  bigint      REFERENCES principal ON DELETE CASCADE,
    changed_at timestamptz NOT NULL,
    CONSTRAINT rights_change_unique UNIQUE NULLS NOT DISTINCT (principal)
);

GRANT SELECT, INSERT (name, parent), UPDATE (name, parent), DELETE ON location TO stockstream_api;
GRANT SELECT ON location_ancestor, rights_change TO stockstream_api;
GRANT SELECT ON location, location_ancestor, rights_change TO stockstream_stream;
