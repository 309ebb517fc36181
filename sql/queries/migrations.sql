-- name: lock_migrations()$
-- Lock out other migrations of this database until the connection ends. Returns whether that was possible. It does not
-- wait, since CREATE INDEX CONCURRENTLY of another migration would wait for the snapshot of this statement.
SELECT pg_try_advisory_lock(5310, 2);

-- name: select_other_installations()
-- Schemas other than public that contain an installation. Earlier versions installed into the search_path.
SELECT n.nspname AS schema
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = 'stockstream_migration'
  AND c.relkind = 'r'
  AND n.nspname <> 'public'
  AND NOT pg_is_other_temp_schema(n.oid)
  AND to_regclass('public.stockstream_migration') IS NULL
ORDER BY n.nspname;

-- name: select_search_path()$
-- The search path of migrations: public, and the schemas of extensions.
SELECT concat_ws(', ', 'public', string_agg(DISTINCT quote_ident(n.nspname), ', '), 'pg_temp')
FROM pg_extension AS e
JOIN pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname IN ('pg_trgm', 'unaccent')
  AND n.nspname NOT IN ('public', 'pg_catalog');

-- name: migration_table_exists()$
-- Whether migrations were applied here. A read-only database refuses CREATE TABLE IF NOT EXISTS even if the table
-- exists.
SELECT to_regclass('public.stockstream_migration') IS NOT NULL;

-- name: create_migration_table#
-- The table of applied migrations.
CREATE TABLE stockstream_migration (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: select_migrations()
-- The applied migrations.
SELECT name, checksum
FROM stockstream_migration
ORDER BY name;

-- name: insert_migration(name, checksum)!
-- Record that a file was applied, in the transaction that applies it.
INSERT INTO stockstream_migration (name, checksum)
VALUES (:name, :checksum)
ON CONFLICT (name) DO UPDATE SET checksum = EXCLUDED.checksum, applied_at = now();

-- name: is_first_partition_open()$
-- Whether the first partition of the log still has no end (see migration 0017).
SELECT to_regclass('inventory_history_first') IS NOT NULL;

-- name: drop_unfinished_index#
-- Drop the index that takes the place of the log's primary key, in case that its creation was interrupted.
DROP INDEX CONCURRENTLY IF EXISTS inventory_history_event_id;

-- name: index_log#
-- Create this index. Others can write meanwhile.
CREATE UNIQUE INDEX CONCURRENTLY inventory_history_event_id ON inventory_history (event_id);

-- name: limit_waits_for_locks#
-- Until the end of the transaction: wait for a lock only briefly, since all other sessions would wait behind this one.
SET LOCAL lock_timeout = '200ms';

-- name: end_first_partition#
-- Give the first partition an end. Fails if it can't lock the log; another call then goes on.
CALL end_first_partition();

-- name: select_silenced()
-- Triggers that do not fire in every session, as they must: ordinary ones (which a session with a replication role
-- skips), disabled ones, and missing ones.
SELECT
    wanted.table,
    wanted.trigger,
    t.oid IS NOT NULL AS exists
FROM (
    VALUES
        ('inventory', 'inventory_before_insert'),
        ('inventory', 'inventory_before_update'),
        ('inventory', 'inventory_bury'),
        ('inventory', 'inventory_write_history'),
        ('inventory', 'inventory_index_name'),
        ('inventory', 'inventory_refuse_truncate'),
        ('inventory_history', 'inventory_history_refuse_truncate'),
        ('principal', 'access_notify'),
        ('principal', 'access_keep_an_admin'),
        ('principal', 'delete_old_credentials'),
        ('access_grant', 'access_notify'),
        ('access_grant', 'access_keep_an_admin'),
        ('session', 'access_notify'),
        ('token', 'access_notify'),
        ('access_grant', 'access_grant_note_change'),
        ('location', 'location_note_change'),
        ('location', 'location_trim_name'),
        ('location', 'location_update_tree'),
        ('access_log', 'access_log_refuse')
    UNION ALL
    SELECT i.inhrelid::regclass::text, 'inventory_history_refuse_truncate'
    FROM pg_inherits AS i
    WHERE i.inhparent = to_regclass('inventory_history')
) AS wanted ("table", trigger)
LEFT JOIN pg_trigger AS t ON t.tgrelid = to_regclass(wanted.table) AND t.tgname = wanted.trigger
WHERE to_regclass(wanted.table) IS NOT NULL
  AND t.tgenabled IS DISTINCT FROM 'A';

-- name: password_statement(role, password)$
-- A statement that sets a password. ALTER ROLE takes no parameters, so PostgreSQL quotes them here.
SELECT format('ALTER ROLE %I PASSWORD %L', :role::text, :password::text);
