-- The election of the process that publishes the log to the broker. These queries write nothing.

-- name: try_to_lock()$
-- Whether this session is elected. It holds the lock until it ends.
SELECT pg_try_advisory_lock(5310, 7);

-- name: end_soon_without_client()^
-- Have the server end this session, and so release the lock, within about 3 seconds if its client is suspended or can't be
-- reached any more. Times are in ms, but those of the keepalives in seconds, which have no effect on Unix sockets.
SELECT
    set_config('idle_session_timeout', '3000', false),
    set_config('tcp_user_timeout', '3000', false),
    set_config('tcp_keepalives_idle', '1', false),
    set_config('tcp_keepalives_interval', '1', false),
    set_config('tcp_keepalives_count', '2', false);

-- name: check()#
-- Fails if the session has ended.
SELECT;
