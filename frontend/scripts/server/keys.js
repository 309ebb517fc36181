/** Idempotency keys. A write that is sent again, since it got no answer, keeps its key, so it is made only once. */

/** A random key. crypto.randomUUID does not exist over plain HTTP. */
export function createKey() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("-");
}

/** @returns {(write: unknown[], send: (key: string) => Promise) => Promise} `write` identifies the write, so that a repetition is recognised */
export function createKeys() {
  const kept = new Map(); // JSON of a write without a definite answer → key

  return async function sendOnce(write, send) {
    const name = JSON.stringify(write);
    if (!kept.has(name)) kept.set(name, createKey());
    try {
      const answer = await send(kept.get(name));
      kept.delete(name);
      return answer;
    } catch (refusal) {
      if (refusal.isUncertain) refusal.key = kept.get(name); // for a later try
      else kept.delete(name);
      throw refusal;
    }
  };
}
