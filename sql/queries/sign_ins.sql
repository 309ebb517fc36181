-- Signing in, and the sessions that this begins.

-- name: select_sign_in(name_key)^
-- What is needed to check a password.
SELECT id, name, password, is_active
FROM principal
WHERE name_key = :name_key
  AND kind = 'user';

-- name: lock_password(id, password)$
-- Hold this password hash until the end of the transaction. Null if the account has another one, or is deactivated.
SELECT id
FROM principal
WHERE id = :id
  AND password = :password
  AND is_active
FOR NO KEY UPDATE;

-- name: insert_session(principal, secret_hash, address, user_agent)$
-- Begin a session.
INSERT INTO session (principal, secret_hash, address, user_agent)
VALUES (:principal, :secret_hash, :address, left(:user_agent, 200))
RETURNING id;

-- name: select_sessions(principal, current, idle, lifetime)$
-- The sessions of an account that have not expired, latest use first, as a JSON array.
SELECT coalesce(json_agg(json_build_object(
    'id', id,
    'current', (id = :current) IS TRUE,
    'address', address,
    'user_agent', user_agent,
    'created_at', rfc3339(created_at),
    'used_at', rfc3339(used_at)
) ORDER BY used_at DESC, id), '[]')::text
FROM session
WHERE principal = :principal
  AND used_at > now() - :idle::interval
  AND created_at > now() - :lifetime::interval;

-- name: delete_session(id, principal)$
-- End a session of this account. Null if it has no such session.
DELETE FROM session
WHERE id = :id
  AND principal = :principal
RETURNING id;

-- name: delete_sessions(principal, kept)!
-- End the sessions of an account, except one (null: all).
DELETE FROM session
WHERE principal = :principal
  AND id IS DISTINCT FROM :kept;

-- name: delete_expired_sessions(idle, lifetime)!
-- Delete the sessions that have expired.
DELETE FROM session
WHERE used_at < now() - :idle::interval
   OR created_at < now() - :lifetime::interval;

-- name: lock_subjects(subjects)!
-- Count attempts one after the other. The locks last until the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended(subject, 5310))
FROM unnest(:subjects::text[]) AS subject
ORDER BY subject;

-- name: select_throttled_until(subject, most, within)$
-- When one more attempt is allowed; null if it is now.
SELECT at + :within::interval
FROM sign_in_failure
WHERE subject = :subject
  AND at > now() - :within::interval
ORDER BY at DESC
OFFSET :most - 1
LIMIT 1;

-- name: insert_failures(subjects)
-- Note an attempt of each of these subjects.
INSERT INTO sign_in_failure (subject)
SELECT unnest(:subjects::text[])
RETURNING id;

-- name: delete_failures(ids, subject)!
-- Forget these attempts, and all of this subject.
DELETE FROM sign_in_failure
WHERE id = ANY (:ids::bigint[])
   OR subject = :subject;

-- name: delete_failures_of(subject)!
-- Forget all attempts of this account, from any address. Names have no spaces.
DELETE FROM sign_in_failure
WHERE subject = :subject
   OR starts_with(subject, :subject || ' from ');

-- name: delete_old_failures(age)!
-- Forget old attempts.
DELETE FROM sign_in_failure
WHERE at < now() - :age::interval;
