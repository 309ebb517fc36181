-- Accounts, their grants and tokens.

-- name: select_accounts()$
-- All accounts, as a JSON array, in the order of their names.
SELECT coalesce(json_agg(account_document(p) ORDER BY p.name_key), '[]')::text
FROM principal AS p;

-- name: select_account(id)^
-- An account.
SELECT p.kind, p.name, account_document(p)::text AS document
FROM principal AS p
WHERE p.id = :id;

-- name: select_account_id(name_key)$
-- The account that has this name, or one that looks the same.
SELECT id
FROM principal
WHERE name_key = :name_key;

-- name: insert_account(kind, name, name_key, password, active)$
-- Create an account without grants.
INSERT INTO principal (kind, name, name_key, password, is_active)
VALUES (:kind, :name, :name_key, :password, :active)
RETURNING id;

-- name: update_account(id, name, name_key, password, active)$
-- Change what is not null. Null if there is no such account.
UPDATE principal
SET name = coalesce(:name, name),
    name_key = coalesce(:name_key, name_key),
    password = coalesce(:password, password),
    is_active = coalesce(:active, is_active)
WHERE id = :id
RETURNING id;

-- name: delete_account(id)$
-- Delete an account with its grants, sessions and tokens. Returns its name.
DELETE FROM principal
WHERE id = :id
RETURNING name;

-- name: delete_grants(principal)!
-- Remove all grants of an account.
DELETE FROM access_grant
WHERE principal = :principal;

-- name: insert_grant(principal, location, role)!
-- Grant a role.
INSERT INTO access_grant (principal, location, role)
VALUES (:principal, :location, :role);

-- name: select_admin_exists()$
-- Whether somebody can manage accounts.
SELECT has_admin(true);

-- name: insert_token(principal, name, secret_hash, speaks_for_others, expires_at)$
-- Create a token.
INSERT INTO token (principal, name, secret_hash, speaks_for_others, expires_at)
VALUES (:principal, :name, :secret_hash, :speaks_for_others, :expires_at)
RETURNING id;

-- name: select_tokens()$
-- All tokens, as a JSON array.
SELECT coalesce(json_agg(token_document(t) ORDER BY t.id), '[]')::text
FROM token AS t;

-- name: select_token(id)$
-- A token.
SELECT token_document(t)::text
FROM token AS t
WHERE t.id = :id;

-- name: delete_token(id)^
-- Revoke a token. Returns its name and that of its account.
DELETE FROM token AS t
USING principal AS p
WHERE t.id = :id
  AND p.id = t.principal
RETURNING t.name, p.name AS account;

-- name: replace_setup_link(secret_hash, start)$
-- Make the link of this start of the API. Null if another worker of the same start has made it.
INSERT INTO setup_link AS former (secret_hash, start)
VALUES (:secret_hash, :start)
ON CONFLICT (is_only) DO UPDATE
SET secret_hash = EXCLUDED.secret_hash, start = EXCLUDED.start, created_at = now()
WHERE former.start <> EXCLUDED.start
RETURNING start;

-- name: delete_setup_link()!
-- Delete the link, if there is one.
DELETE FROM setup_link;

-- name: select_setup_link(secret_hash)$
-- Whether this is the secret of the link.
SELECT EXISTS (SELECT FROM setup_link WHERE secret_hash = :secret_hash);

-- name: take_setup_link(secret_hash)$
-- Consume the link. Null if the secret is wrong.
DELETE FROM setup_link
WHERE secret_hash = :secret_hash
RETURNING is_only;
