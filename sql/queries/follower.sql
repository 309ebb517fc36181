-- Queries of a follower of the log. They write nothing.

-- name: select_head()^
-- The epoch of the log, and its last committed event.
SELECT log_epoch() AS epoch, log_head() AS head;

-- name: notify(token)!
-- Notify all listeners, as a commit does.
SELECT pg_notify('inventory_history', :token);

-- name: select_notification_queue_usage()$
-- The share of the notification queue that is in use (0 to 1); when it is full, commits fail.
SELECT pg_notification_queue_usage();
