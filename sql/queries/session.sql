-- Settings of our sessions. They override those of the server, the database and the role.

-- name: prepare_session(statement_timeout, lock_timeout, idle_timeout)^
-- Run at the start of each session. Times are in milliseconds (0: no limit). Whether the session may write is not
-- set: an operator can make the database read-only. Statements are used since some poolers refuse startup parameters.
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
-- For sessions that only read. No single plan suits both rare and common searches.
SELECT
    set_config('default_transaction_read_only', 'on', false),
    set_config('plan_cache_mode', 'force_custom_plan', false);

-- name: is_read_only()$
-- Whether this session can't write: a standby, or a session of a database that is set to read-only.
SELECT current_setting('transaction_read_only') = 'on';

-- name: select_backend()$
-- The server process of this session. Behind a pooler it may change.
SELECT pg_backend_pid();

-- name: do_nothing#
-- Sent as a message of its own, it ends the transaction that an unfinished call left open.
SELECT;
