-- What a request with an Idempotency-Key was answered. A key that is older than a day is a new one.

-- name: claim_key(key, request)$
-- The key, if it is ours now; null if another request had it. One that is still at work is waited for.
INSERT INTO idempotency_key AS known (key, request)
VALUES (:key, :request)
ON CONFLICT (key) DO UPDATE
SET request = EXCLUDED.request, status = NULL, headers = NULL, body = NULL, created_at = now()
WHERE known.created_at < now() - interval '24 hours'
RETURNING known.key;

-- name: select_answer(key)^
-- What the request with this key was answered; null columns while it is at work.
SELECT request, status, headers, body
FROM idempotency_key
WHERE key = :key;

-- name: update_answer(key, status, headers, body)!
-- Keep the response, for a request that comes again with the same key.
UPDATE idempotency_key
SET status = :status, headers = :headers, body = :body
WHERE key = :key;

-- name: delete_old_keys()!
-- Later than they end, so that none goes while a request looks at it.
DELETE FROM idempotency_key
WHERE created_at < now() - interval '25 hours';
