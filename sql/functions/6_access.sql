-- Access: rights, and what keeps their tables sound whoever writes to them.

-- Which role each active principal has, and where: at a location and everything below it, or everywhere (null). Whatever
-- reads rights reads this view.
CREATE OR REPLACE VIEW granted_role AS
SELECT g.principal, w.location, g.role
FROM access_grant AS g
JOIN principal AS p ON p.id = g.principal AND p.is_active
CROSS JOIN LATERAL (
    SELECT NULL::bigint AS location WHERE g.location IS NULL
    UNION ALL
    SELECT a.location FROM location_ancestor AS a WHERE a.ancestor = g.location
) AS w;

-- The role of a principal at a location (null: everywhere); null without one.
CREATE OR REPLACE FUNCTION role_at(of_principal bigint, at_location bigint) RETURNS access_role
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT max(g.role)
    FROM granted_role AS g
    WHERE g.principal = of_principal
      AND (g.location IS NULL OR g.location = at_location)
);

-- The grants of a principal, as the API shows them.
CREATE OR REPLACE FUNCTION grants_document(of_principal bigint) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT coalesce(
        json_agg(json_build_object('location', g.location, 'role', g.role) ORDER BY g.location NULLS FIRST), '[]'
    )
    FROM access_grant AS g
    WHERE g.principal = of_principal
);

-- An account as the API shows it.
CREATE OR REPLACE FUNCTION account_document(p principal) RETURNS json
LANGUAGE sql STABLE
RETURN json_build_object(
    'id', p.id,
    'kind', p.kind,
    'name', p.name,
    'active', p.is_active,
    'has_password', p.password IS NOT NULL,
    'created_at', rfc3339(p.created_at),
    'grants', grants_document(p.id)
);

-- A token as the API shows it, without its secret.
CREATE OR REPLACE FUNCTION token_document(t token) RETURNS json
LANGUAGE sql STABLE
RETURN json_build_object(
    'id', t.id,
    'account', t.principal,
    'name', t.name,
    'speaks_for_others', t.speaks_for_others,
    'created_at', rfc3339(t.created_at),
    'expires_at', rfc3339(t.expires_at),
    'used_at', rfc3339(t.used_at)
);

-- Notify the services whose rights have changed, so that their streams end at once. The argument is the column with the
-- principal. PostgreSQL sends each notification of a transaction once.
CREATE OR REPLACE FUNCTION access_notify() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('stockstream_access', to_jsonb(CASE TG_OP WHEN 'INSERT' THEN NEW ELSE OLD END) ->> TG_ARGV[0]);
    RETURN NULL;
END;
$$;

-- Note when the rights of a principal at single locations change: a stream that resumes from before has to start over.
-- They also change if a grant for everywhere comes or goes beside one for a location.
CREATE OR REPLACE FUNCTION access_grant_note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO rights_change (principal, changed_at)
    SELECT p.id, clock_timestamp()
    FROM principal AS p -- unless it is deleted with its grants
    WHERE p.id IN (OLD.principal, NEW.principal)
      AND (OLD.location IS NOT NULL
           OR NEW.location IS NOT NULL
           OR EXISTS (SELECT FROM access_grant AS g WHERE g.principal = p.id AND g.location IS NOT NULL))
    ON CONFLICT ON CONSTRAINT rights_change_unique DO UPDATE SET changed_at = EXCLUDED.changed_at;
    RETURN NULL;
END;
$$;

-- Delete the sessions and tokens of an account that becomes active again: those from before must not work any more.
CREATE OR REPLACE FUNCTION delete_old_credentials() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    DELETE FROM session WHERE principal = NEW.id;
    DELETE FROM token WHERE principal = NEW.id;
    RETURN NULL;
END;
$$;

-- Whether there is an admin: an active user with that role, and with a password if that is needed to sign in.
CREATE OR REPLACE FUNCTION has_admin(needs_password boolean) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (
    SELECT
    FROM principal AS p
    WHERE p.kind = 'user'
      AND (p.password IS NOT NULL OR NOT needs_password)
      AND role_at(p.id, NULL) = 'admin'
);

-- Refuse to remove the last admin, or to deactivate them. Who takes the place of an admin with a password needs one, too;
-- others are signed in by a proxy. Two transactions at once wait for each other, so that two admins can't remove each
-- other. A deferred trigger: it sees what the transaction leaves.
CREATE OR REPLACE FUNCTION access_keep_an_admin() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    former         bigint := to_jsonb(OLD) ->> TG_ARGV[0];
    needs_password boolean;
BEGIN
    IF TG_TABLE_NAME = 'principal'
       AND NOT EXISTS (SELECT FROM access_grant AS g WHERE g.principal = former AND g.role = 'admin') THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(5310, 5);
    needs_password := coalesce(
        (SELECT p.password IS NOT NULL FROM principal AS p WHERE p.id = former),
        EXISTS (SELECT FROM principal AS p WHERE p.password IS NOT NULL) -- the former admin is deleted
    );
    IF NOT has_admin(needs_password) THEN
        RAISE EXCEPTION 'the last admin can''t be removed'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'access_keep_an_admin';
    END IF;
    RETURN NULL;
END;
$$;

-- The access log is only appended to. Its owner, too, can't change it by accident.
CREATE OR REPLACE FUNCTION access_log_refuse() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'the access log can''t be changed' USING ERRCODE = 'integrity_constraint_violation';
END;
$$;

CREATE OR REPLACE TRIGGER access_notify AFTER UPDATE OR DELETE ON principal
    FOR EACH ROW EXECUTE FUNCTION access_notify('id');
CREATE OR REPLACE TRIGGER access_notify AFTER INSERT OR UPDATE OR DELETE ON access_grant
    FOR EACH ROW EXECUTE FUNCTION access_notify('principal');
CREATE OR REPLACE TRIGGER access_notify AFTER DELETE ON session
    FOR EACH ROW EXECUTE FUNCTION access_notify('principal');
CREATE OR REPLACE TRIGGER access_notify AFTER UPDATE OF expires_at OR DELETE ON token
    FOR EACH ROW EXECUTE FUNCTION access_notify('principal');
CREATE OR REPLACE TRIGGER delete_old_credentials AFTER UPDATE OF is_active ON principal
    FOR EACH ROW WHEN (NEW.is_active AND NOT OLD.is_active) EXECUTE FUNCTION delete_old_credentials();
CREATE OR REPLACE TRIGGER access_log_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION access_log_refuse();

-- Constraint triggers can't be replaced.
DROP TRIGGER IF EXISTS access_grant_note_change ON access_grant;
CREATE CONSTRAINT TRIGGER access_grant_note_change AFTER INSERT OR UPDATE OR DELETE ON access_grant
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION access_grant_note_change();
DROP TRIGGER IF EXISTS access_keep_an_admin ON access_grant;
CREATE CONSTRAINT TRIGGER access_keep_an_admin AFTER UPDATE OR DELETE ON access_grant DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.role = 'admin') EXECUTE FUNCTION access_keep_an_admin('principal');
DROP TRIGGER IF EXISTS access_keep_an_admin ON principal;
CREATE CONSTRAINT TRIGGER access_keep_an_admin AFTER UPDATE OF is_active ON principal DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active) EXECUTE FUNCTION access_keep_an_admin('id');

GRANT SELECT ON granted_role TO stockstream_api, stockstream_stream;
