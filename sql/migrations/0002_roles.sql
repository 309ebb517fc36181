-- What each service may do. Roles belong to the whole cluster, so another stockstream may have made them already.
-- They can log in, but have no password until `python -m shared.migrations` is given one.

DO $$
DECLARE
    service text;
BEGIN
    FOREACH service IN ARRAY ARRAY['stockstream_api', 'stockstream_stream'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN', service);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- made by a migration of another database in this moment
            END;
        END IF;
    END LOOP;
END;
$$;

GRANT SELECT, INSERT (id, name, quantity, created_at), UPDATE (name, quantity), DELETE ON inventory TO stockstream_api;
GRANT SELECT ON inventory_history, stockstream_migration TO stockstream_api;

GRANT SELECT ON inventory, inventory_history, stockstream_migration TO stockstream_stream;
