-- The log becomes partitioned by ranges of event ids. Its rows stay where they are: the table becomes the first
-- partition.

-- Nothing here takes long, but the table must be locked. While this waits for the lock, every other statement waits
-- behind it, so it does not wait for long: the runner repeats the whole file later. The first lock blocks nobody, but
-- makes PostgreSQL end an autovacuum of the table, for which it does not wait long enough with a timeout.
LOCK TABLE inventory_history IN SHARE UPDATE EXCLUSIVE MODE;
SET LOCAL lock_timeout = '200ms';
LOCK TABLE inventory_history IN ACCESS EXCLUSIVE MODE;

-- Such objects are bound to the table by its number, so they would see only the first partition from now on.
DO $$
DECLARE
    objects text := (
        SELECT string_agg(DISTINCT pg_describe_object(d.classid, d.objid, 0), '; ')
        FROM pg_depend AS d
        LEFT JOIN pg_constraint AS c ON d.classid = 'pg_constraint'::regclass AND c.oid = d.objid
        WHERE d.refclassid = 'pg_class'::regclass
          AND d.refobjid = 'inventory_history'::regclass
          AND (d.classid IN ('pg_rewrite'::regclass, 'pg_publication_rel'::regclass)
               OR c.conrelid <> 'inventory_history'::regclass)
    );
BEGIN
    objects := concat_ws('; ', objects, (
        SELECT string_agg('publication ' || p.pubname, '; ')
        FROM pg_publication AS p
        WHERE p.puballtables
           OR EXISTS (SELECT FROM pg_publication_namespace AS n
                      WHERE n.pnpubid = p.oid AND n.pnnspid = 'public'::regnamespace)
    ));
    IF objects <> '' THEN
        RAISE EXCEPTION 'the log can''t be partitioned while other objects refer to it: %', objects
            USING HINT = 'Drop them, migrate, and create them again.';
    END IF;
END;
$$;

-- Functions with an SQL body and indexes are bound to the table, too. They are created again for the new table, from
-- the text that they have now.
CREATE TEMPORARY TABLE bound_to_the_log ON COMMIT DROP AS
SELECT p.oid, pg_get_functiondef(p.oid) AS definition
FROM pg_proc AS p
JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'sql'
WHERE p.oid IN (
    SELECT d.objid
    FROM pg_depend AS d
    JOIN pg_class AS log ON log.oid = 'inventory_history'::regclass
    WHERE d.classid = 'pg_proc'::regclass
      AND ((d.refclassid = 'pg_class'::regclass AND d.refobjid = log.oid)
           OR (d.refclassid = 'pg_type'::regclass AND d.refobjid = log.reltype))
)
  AND p.oid <> to_regprocedure('log_epoch()') -- it must go on to see the number of the old table: see log_identity()
UNION ALL
SELECT i.indexrelid, pg_get_indexdef(i.indexrelid)
FROM pg_index AS i
WHERE i.indrelid = 'inventory_history'::regclass
  AND NOT i.indisprimary
  AND i.indisvalid;

-- An index does what the primary key did, since pg_restore --clean can't drop that of a partition. The runner has
-- created it before, without blocking writes.
ALTER TABLE inventory_history DROP CONSTRAINT inventory_history_pkey;
ALTER TABLE inventory_history REPLICA IDENTITY USING INDEX inventory_history_event_id;

ALTER TABLE inventory_history RENAME TO inventory_history_first;

DO $$
DECLARE
    index record;
BEGIN
    FOR index IN
        SELECT c.oid::regclass AS name, c.oid, c.relname
        FROM pg_index AS i
        JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE i.indrelid = 'inventory_history_first'::regclass
    LOOP
        EXECUTE format('ALTER INDEX %s RENAME TO %I', index.name,
                       CASE WHEN index.relname ~ '^inventory_history' AND length(index.relname) < 58
                            THEN replace(index.relname, 'inventory_history', 'inventory_history_first')
                            ELSE 'inventory_history_first_' || index.oid END);
    END LOOP;
END;
$$;

CREATE TABLE inventory_history (
    LIKE inventory_history_first INCLUDING CONSTRAINTS INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION
) PARTITION BY RANGE (event_id);

-- Partitioned tables can have identity columns only since PostgreSQL 17. The new sequence goes on where the old one
-- ended.
DO $$
DECLARE
    last_value bigint;
    is_called  boolean;
BEGIN
    SELECT s.last_value, s.is_called INTO last_value, is_called FROM inventory_history_event_id_seq AS s;
    ALTER TABLE inventory_history_first ALTER COLUMN event_id DROP IDENTITY; -- drops the old sequence
    CREATE SEQUENCE inventory_history_event_id_seq OWNED BY inventory_history.event_id;
    PERFORM setval('inventory_history_event_id_seq', last_value, is_called);
END;
$$;

ALTER TABLE inventory_history ALTER COLUMN event_id SET DEFAULT nextval('inventory_history_event_id_seq');

DO $$
DECLARE
    bound record;
BEGIN
    FOR bound IN SELECT definition FROM bound_to_the_log ORDER BY oid LOOP
        EXECUTE bound.definition;
    END LOOP;
END;
$$;

-- These have the same names, but take rows of the other table.
DO $$
DECLARE
    other record;
BEGIN
    FOR other IN
        SELECT p.oid::regprocedure AS function
        FROM pg_proc AS p
        JOIN pg_type AS t ON t.typrelid = 'inventory_history_first'::regclass
        WHERE t.oid = ANY (p.proargtypes)
    LOOP
        EXECUTE format('DROP FUNCTION %s', other.function);
    END LOOP;
END;
$$;

-- Each row meets these bounds, so that PostgreSQL need not check it. The partition gets an end by
-- end_first_partition(), which the runner calls after the migrations: that takes longer, and does not lock the table.
ALTER TABLE inventory_history ATTACH PARTITION inventory_history_first FOR VALUES FROM (MINVALUE) TO (MAXVALUE);

-- The trigger of a partition has a function of its own: see deny_truncate() in sql/functions.
CREATE OR REPLACE FUNCTION deny_truncate() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of % is refused: it would leave no trace in the log', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END;
$$;

CREATE OR REPLACE TRIGGER inventory_history_refuse_truncate BEFORE TRUNCATE ON inventory_history_first
    FOR EACH STATEMENT EXECUTE FUNCTION deny_truncate();
ALTER TABLE inventory_history_first ENABLE ALWAYS TRIGGER inventory_history_refuse_truncate;

CREATE TRIGGER inventory_history_refuse_truncate BEFORE TRUNCATE ON inventory_history
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_refuse_truncate();
ALTER TABLE inventory_history ENABLE ALWAYS TRIGGER inventory_history_refuse_truncate;

COMMENT ON TABLE inventory_history IS
    'The change log: full documents before and after each committed change, in commit order. Partitioned by event ids.';
COMMENT ON TABLE inventory_history_first IS NULL;

-- Whoever could read the log still can. Nobody needs a privilege on a partition.
DO $$
DECLARE
    owner     oid := (SELECT relowner FROM pg_class WHERE oid = 'inventory_history_first'::regclass);
    privilege record;
BEGIN
    FOR privilege IN
        SELECT
            acl.privilege_type,
            columns.name,
            CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END AS grantee,
            acl.is_grantable
        FROM (
            SELECT NULL AS name, relacl AS acl FROM pg_class WHERE oid = 'inventory_history_first'::regclass
            UNION ALL
            SELECT quote_ident(attname), attacl FROM pg_attribute WHERE attrelid = 'inventory_history_first'::regclass
        ) AS columns
        CROSS JOIN aclexplode(columns.acl) AS acl
        WHERE acl.grantee <> owner
    LOOP
        EXECUTE format('GRANT %s%s ON inventory_history TO %s %s', privilege.privilege_type,
                       '(' || privilege.name || ')', privilege.grantee,
                       CASE WHEN privilege.is_grantable THEN 'WITH GRANT OPTION' END);
        EXECUTE format('REVOKE ALL ON inventory_history_first FROM %s CASCADE', privilege.grantee);
    END LOOP;
END;
$$;

-- The epoch contains the number of the log's table, so that another table is another log. This table has another
-- number, but it is the same log. A dump that is loaded creates a table with a number of its own, which counts again.
DO $$
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION log_identity() RETURNS oid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS %L',
        format(
            'SELECT CASE log WHEN %s THEN %s ELSE log END FROM CAST(%L::regclass AS oid) AS log',
            'inventory_history'::regclass::oid,
            'inventory_history_first'::regclass::oid,
            'public.inventory_history'
        )
    );
END;
$$;

-- The functions of sql/functions begin with an open end. There are these objects if a dump of the previous version was
-- loaded over this one.
DROP FUNCTION IF EXISTS log_partitions_end();
DROP TABLE IF EXISTS inventory_history_reduction;

-- How far prune_history() has come with whole partitions. One row.
CREATE TABLE inventory_history_reduction (
    reduced_up_to   bigint      NOT NULL, -- the first partition ends here, and has only what is kept; 0: not yet
    next_up_to      bigint,               -- where the partition ends that is to replace it; null: there is none
    copied_up_to    bigint      NOT NULL, -- what is kept of the events up to here has been copied to that partition
    latest_change   timestamptz NOT NULL, -- the latest time of these events
    last_movement   bigint      NOT NULL, -- the newest movement of these events, and of those before
    swept_movements bigint      NOT NULL  -- movements up to this one are deleted already if they have no lines
);
CREATE UNIQUE INDEX inventory_history_one_reduction ON inventory_history_reduction ((true));
INSERT INTO inventory_history_reduction (reduced_up_to, copied_up_to, latest_change, last_movement, swept_movements)
VALUES (0, 0, '-infinity', 0, 0);
