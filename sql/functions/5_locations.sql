-- Locations: their tree, and what keeps it sound whoever writes to it.

-- The location of an item for which none is given: the oldest one.
CREATE OR REPLACE FUNCTION default_location() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
RETURN (SELECT min(id) FROM location);

CREATE OR REPLACE FUNCTION location_trim_name() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    NEW.name := trim_text(NEW.name);
    RETURN NEW;
END;
$$;

-- Recompute location_ancestor, and refuse a tree that is unsound. Two transactions that change the tree wait for each
-- other, so that they can't make a cycle together. Rights hang on the tree, so the services are notified.
CREATE OR REPLACE FUNCTION location_update_tree() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(5310, 6);
    DELETE FROM location_ancestor;
    WITH RECURSIVE above (location, ancestor) AS (
        SELECT l.id, l.parent FROM location AS l WHERE l.parent IS NOT NULL
        UNION -- without ALL, a cycle ends, too
        SELECT a.location, l.parent FROM above AS a JOIN location AS l ON l.id = a.ancestor WHERE l.parent IS NOT NULL
    )
    INSERT INTO location_ancestor (location, ancestor)
    SELECT location, ancestor FROM above;
    IF EXISTS (SELECT FROM location_ancestor WHERE location = ancestor) THEN
        RAISE EXCEPTION 'a location can''t lie in itself'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'location_no_cycle';
    END IF;
    IF EXISTS (SELECT FROM location_ancestor GROUP BY location HAVING count(*) >= 16) THEN
        RAISE EXCEPTION 'locations can be nested 16 levels deep'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'location_depth';
    END IF;
    IF NOT EXISTS (SELECT FROM location) THEN
        RAISE EXCEPTION 'the last location can''t be deleted'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'location_last';
    END IF;
    INSERT INTO location_ancestor (location, ancestor)
    SELECT id, id FROM location;
    PERFORM pg_notify('stockstream_access', '');
    RETURN NULL;
END;
$$;

-- Note when the tree changes: a stream that resumes from before, and is narrowed to locations, has to start over. A
-- deferred trigger, so that the time is that of the commit.
CREATE OR REPLACE FUNCTION location_note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO rights_change (principal, changed_at)
    VALUES (NULL, clock_timestamp())
    ON CONFLICT ON CONSTRAINT rights_change_unique DO UPDATE SET changed_at = EXCLUDED.changed_at;
    RETURN NULL;
END;
$$;

-- The names from the topmost of these locations (null: all) down to this one, as in "Main/Shelf 3".
CREATE OR REPLACE FUNCTION location_path(of_location bigint, visible bigint[]) RETURNS text
LANGUAGE sql STABLE
RETURN (
    SELECT string_agg(l.name, '/' ORDER BY depth.levels)
    FROM location_ancestor AS a
    JOIN location AS l ON l.id = a.ancestor
    CROSS JOIN LATERAL (SELECT count(*) AS levels FROM location_ancestor AS b WHERE b.location = a.ancestor) AS depth
    WHERE a.location = of_location
      AND (visible IS NULL OR a.ancestor = ANY (visible))
);

-- A location as the API shows it to somebody who may see these locations and change the items of those (null: all).
CREATE OR REPLACE FUNCTION location_document(l location, visible bigint[], editable bigint[]) RETURNS json
LANGUAGE sql STABLE
RETURN json_build_object(
    'id', l.id,
    'name', l.name,
    'parent', CASE WHEN visible IS NULL OR l.parent = ANY (visible) THEN l.parent END,
    'path', location_path(l.id, visible),
    'editable', editable IS NULL OR l.id = ANY (editable)
);

CREATE OR REPLACE TRIGGER location_trim_name BEFORE INSERT OR UPDATE ON location
    FOR EACH ROW EXECUTE FUNCTION location_trim_name();
CREATE OR REPLACE TRIGGER location_update_tree AFTER INSERT OR DELETE OR UPDATE OF parent ON location
    FOR EACH STATEMENT EXECUTE FUNCTION location_update_tree();

-- A constraint trigger can't be replaced.
DROP TRIGGER IF EXISTS location_note_change ON location;
CREATE CONSTRAINT TRIGGER location_note_change AFTER INSERT OR DELETE OR UPDATE OF parent ON location
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION location_note_change();
