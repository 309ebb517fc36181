-- Who sends a request or reads a stream.

-- name: select_principals(sessions, tokens, proxies, idle, lifetime, due)
-- The principals of these sessions and tokens, by the hashes of their secrets, and of these names that a proxy sends.
-- Some may have expired. The time of their last use is due for an update if it is older than this interval. The role is
-- the one everywhere; the locations that a principal may see and edit are null if these are all.
WITH credential AS (
    SELECT
        'session' AS kind_of_key,
        secret_hash AS key,
        principal,
        id AS session_id,
        NULL::bigint AS token_id,
        false AS speaks_for_others,
        used_at,
        used_at > now() - :idle::interval AND created_at > now() - :lifetime::interval AS is_current
    FROM session
    WHERE secret_hash = ANY (:sessions::bytea[])
    UNION ALL
    SELECT 'token', secret_hash, principal, NULL, id, speaks_for_others, used_at, (expires_at > now()) IS NOT FALSE
    FROM token
    WHERE secret_hash = ANY (:tokens::bytea[])
    UNION ALL
    SELECT 'proxy', convert_to(name_key, 'UTF8'), id, NULL, NULL, false, now(), true
    FROM principal
    WHERE name_key = ANY (SELECT convert_from(name, 'UTF8') FROM unnest(:proxies::bytea[]) AS name)
      AND kind = 'user'
)
SELECT
    c.kind_of_key,
    c.key,
    c.is_current,
    p.is_active,
    p.id,
    p.kind,
    p.name,
    rights.role,
    CASE WHEN rights.role IS NULL THEN rights.visible END AS visible,
    CASE WHEN rights.role >= 'editor' THEN NULL ELSE rights.editable END AS editable,
    (
        SELECT max(r.changed_at)
        FROM rights_change AS r
        WHERE r.principal = p.id OR (r.principal IS NULL AND rights.role IS NULL)
    ) AS rights_changed_at,
    grants_document(p.id)::text AS grants,
    c.session_id,
    c.token_id,
    c.speaks_for_others,
    (c.used_at > now() - :due::interval) IS NOT TRUE AS use_is_due
FROM credential AS c
JOIN principal AS p ON p.id = c.principal
CROSS JOIN LATERAL (
    SELECT
        max(g.role) FILTER (WHERE g.location IS NULL) AS role,
        coalesce(array_agg(DISTINCT g.location) FILTER (WHERE g.location IS NOT NULL), '{}') AS visible,
        coalesce(array_agg(DISTINCT g.location) FILTER (WHERE g.location IS NOT NULL AND g.role >= 'editor'), '{}')
            AS editable
    FROM granted_role AS g
    WHERE g.principal = p.id
) AS rights;

-- name: touch_credentials(sessions, tokens)!
-- Note that these sessions and tokens are used now.
WITH sessions AS (
    UPDATE session
    SET used_at = now()
    WHERE id = ANY (:sessions::bigint[])
)
UPDATE token
SET used_at = now()
WHERE id = ANY (:tokens::bigint[]);
