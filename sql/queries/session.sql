-- What a session relies on, whatever the database, the role or PostgreSQL's configuration sets.

-- name: prepare_session(statement_timeout, lock_timeout, idle_timeout)^
-- Set at the start of each session, in milliseconds where it is a time (0: no limit). Whether the session may write is
-- not among it: an operator who makes the database read-only means us too. Statements, not startup parameters: some
-- poolers refuse or ignore those.
SELECT
    set_config('search_path', 'public, pg_temp', false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config('default_transaction_deferrable', 'off', false),
    set_config('timezone', 'UTC', false),
    set_config('datestyle', 'ISO, YMD', false),
    set_config('intervalstyle', 'postgres', false),
    set_config('standard_conforming_strings', 'on', false),
    set_config('plan_cache_mode', 'auto', false),
    set_config('statement_timeout', :statement_timeout, false),
    set_config('lock_timeout', :lock_timeout, false),
    set_config('idle_in_transaction_session_timeout', :idle_timeout, false),
    set_config('idle_session_timeout', '0', false),
    CASE WHEN current_setting('transaction_timeout', true) IS NOT NULL THEN -- new in PostgreSQL 17
        set_config('transaction_timeout', '0', false)
    END;

-- name: prepare_reading_session()^
-- For sessions that only read. A plan that is made once for all parameters fits neither a rare nor a common search.
SELECT
    set_config('default_transaction_read_only', 'on', false),
    set_config('plan_cache_mode', 'force_custom_plan', false);

-- name: is_read_only()$
-- Whether this session can't write: a standby, or a session of a database that is set to read-only.
SELECT current_setting('transaction_read_only') = 'on';

-- name: select_backend()$
-- Which process of the server is at work for this session; behind a pooler it may be another each time.
SELECT pg_backend_pid();

-- name: do_nothing#
-- As a message of its own, it ends the transaction that an unfinished call left open.
SELECT;
