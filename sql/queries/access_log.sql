-- The log of accounts: who signed in, and who created, changed, granted and revoked what.

-- name: insert_entry(actor, action, subject, detail)!
-- Append an entry.
INSERT INTO access_log (actor, action, subject, detail)
VALUES (:actor, :action, :subject, :detail::json);

-- name: select_entries(before, page)
-- A page of the log, newest first.
SELECT id, json_build_object(
    'id', id,
    'at', rfc3339(at),
    'actor', actor,
    'action', action,
    'subject', subject,
    'detail', detail
)::text AS document
FROM access_log
WHERE id < coalesce(:before, 9223372036854775807)
ORDER BY id DESC
LIMIT :page;
