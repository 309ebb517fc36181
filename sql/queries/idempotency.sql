-- The answers to requests with an Idempotency-Key. A key expires after a day.

-- name: claim_key(key, request)$
-- Claim the key; null if an earlier request has it. Waits while a request with the same key is running.
INSERT INTO idempotency_key AS known (key, request)
VALUES (:key, :request)
ON CONFLICT (key) DO UPDATE
SET request = EXCLUDED.request, status = NULL, headers = NULL, body = NULL, created_at = now()
WHERE known.created_at < now() - interval '24 hours'
RETURNING known.key;

-- name: select_answer(key)^
-- The answer to the request with this key; its columns are null while the request is running.
SELECT request, status, headers, body
FROM idempotency_key
WHERE key = :key;

-- name: update_answer(key, status, headers, body)!
-- Store the answer, for repetitions of the request.
UPDATE idempotency_key
SET status = :status, headers = :headers, body = :body
WHERE key = :key;

-- name: delete_old_keys()!
-- Delete keys an hour after they expire, so that none disappears while a request uses it.
DELETE FROM idempotency_key
WHERE created_at < now() - interval '25 hours';
