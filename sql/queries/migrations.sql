-- name: lock_migrations#
-- One migration at a time, in the whole database; freed when the connection ends.
SELECT pg_advisory_lock(5310, 2);

-- name: create_migration_table#
CREATE TABLE IF NOT EXISTS stockstream_migration (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: select_migrations()
-- What has been applied.
SELECT name, checksum
FROM stockstream_migration
ORDER BY name;

-- name: insert_migration(name, checksum)!
INSERT INTO stockstream_migration (name, checksum)
VALUES (:name, :checksum);

-- name: password_statement(role, password)$
-- ALTER ROLE takes no parameters, so the statement is written where quoting is known best.
SELECT format('ALTER ROLE %I PASSWORD %L', :role::text, :password::text);
