/** The addresses of workers as the page's Trusted Types policy requires them. It allows these scripts only. */

const POLICY = "stockstream-worker";

// The address of the feed has the version of the page's files, so pages of different versions don't share a worker.
export const FEED = new URL("feed/worker.js", import.meta.url).href;
export const SERVICE_WORKER = new URL("/service-worker.js", import.meta.url).href;

let policy;

/** @param {string} url FEED or SERVICE_WORKER */
export function trusted(url) {
  const { trustedTypes } = globalThis;
  if (!trustedTypes) return url;
  policy ??= trustedTypes.createPolicy(POLICY, { createScriptURL });
  return policy.createScriptURL(url);
}

function createScriptURL(url) {
  if (url !== FEED && url !== SERVICE_WORKER) throw new TypeError(`not a worker of this page: ${url}`);
  return url;
}
