/** Idempotency keys: a write that is tried again after no answer came has the key of the first try, and is made once. */

/** crypto.randomUUID is not there over plain HTTP. */
export function createKey() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("-");
}

/** @returns {(write: unknown[], send: (key: string) => Promise) => Promise} `write` says what is written, so that the same is known again */
export function createKeys() {
  const kept = new Map(); // writes that got no definite answer, as text → key

  return async function once(write, send) {
    const name = JSON.stringify(write);
    if (!kept.has(name)) kept.set(name, createKey());
    try {
      const answer = await send(kept.get(name));
      kept.delete(name);
      return answer;
    } catch (refusal) {
      if (refusal.isUncertain) refusal.key = kept.get(name); // for those who try again
      else kept.delete(name);
      throw refusal;
    }
  };
}
