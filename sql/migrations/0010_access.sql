-- Who may use stockstream, and what they may do. Passwords, sessions and tokens are stored as hashes only.

-- Each role includes those before it.
CREATE TYPE access_role AS ENUM ('viewer', 'editor', 'admin');

-- A user signs in with a password, a service sends a token.
CREATE TABLE principal (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text        NOT NULL CONSTRAINT principal_kind CHECK (kind IN ('user', 'service')),
    name       text        NOT NULL CONSTRAINT principal_name_length CHECK (char_length(name) BETWEEN 1 AND 64),
    name_key   text        NOT NULL CONSTRAINT principal_name_unique UNIQUE, -- equal for names that look the same
    password   text,       -- an Argon2 hash; null if the account has none
    is_active  boolean     NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT principal_password CHECK (kind = 'user' OR password IS NULL)
);

-- A role, everywhere or at one location.
CREATE TABLE access_grant (
    principal bigint      NOT NULL REFERENCES principal ON DELETE CASCADE,
    location  bigint,     -- null: all locations
    role      access_role NOT NULL,
    CONSTRAINT access_grant_unique UNIQUE NULLS NOT DISTINCT (principal, location),
    CONSTRAINT access_grant_admin CHECK (role <> 'admin' OR location IS NULL)
);

-- A signed-in browser.
CREATE TABLE session (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    principal   bigint      NOT NULL REFERENCES principal ON DELETE CASCADE,
    secret_hash bytea       NOT NULL CONSTRAINT session_secret_unique UNIQUE,
    address     text        NOT NULL, -- of the client that signed in
    user_agent  text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    used_at     timestamptz NOT NULL DEFAULT now() -- to the minute, so that a read is not a write
);

CREATE INDEX session_principal ON session (principal);

CREATE TABLE token (
    id                bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    principal         bigint      NOT NULL REFERENCES principal ON DELETE CASCADE,
    name              text        NOT NULL CONSTRAINT token_name_length CHECK (char_length(name) BETWEEN 1 AND 64),
    secret_hash       bytea       NOT NULL CONSTRAINT token_secret_unique UNIQUE,
    speaks_for_others boolean     NOT NULL, -- whether its changes may name another actor
    created_at        timestamptz NOT NULL DEFAULT now(),
    expires_at        timestamptz, -- null: never
    used_at           timestamptz  -- to the minute; null: never
);

CREATE INDEX token_principal ON token (principal);

-- The link that creates the first admin. There is none, or one.
CREATE TABLE setup_link (
    is_only     boolean     PRIMARY KEY DEFAULT true CONSTRAINT setup_link_only CHECK (is_only),
    secret_hash bytea       NOT NULL,
    start       text        NOT NULL, -- the start of the API that made it: the workers of one start make one link
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- Attempts to sign in that have failed, or are being checked.
CREATE TABLE sign_in_failure (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text        NOT NULL, -- 'account <name key>' or 'address <network>'
    at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX sign_in_failure_subject ON sign_in_failure (subject, at);
CREATE INDEX sign_in_failure_age ON sign_in_failure (at);

-- Who signed in, and who created, changed, granted and revoked what. Names are kept as they were.
CREATE TABLE access_log (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor   text        NOT NULL,
    action  text        NOT NULL,
    subject text        NOT NULL,
    detail  json        NOT NULL
);

-- On whose behalf a service made a change, as it said; null if it said nothing.
ALTER TABLE inventory_history ADD COLUMN on_behalf_of text;

GRANT SELECT, INSERT, UPDATE, DELETE ON principal, access_grant, session, token, setup_link TO stockstream_api;
GRANT SELECT, INSERT, DELETE ON sign_in_failure TO stockstream_api;
GRANT SELECT, INSERT ON access_log TO stockstream_api;
GRANT SELECT (id, kind, name, name_key, is_active) ON principal TO stockstream_stream;
GRANT SELECT ON access_grant, session, token TO stockstream_stream;
GRANT UPDATE (used_at) ON session, token TO stockstream_stream;
