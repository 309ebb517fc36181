/**
 * Opens the dashboard without a network: it keeps the document and the files that the document names. The stock that the
 * page shows then is kept by scripts/server/kept-stock.js. Only the dashboard is kept, and no answer of the API.
 */

const CACHE = "stockstream.page";
const PAGE = "/";
const FILES = "/static/";
const FILE = /"(\/static\/[^"]+)"/g;
const ANY = { ignoreVary: true }; // the document is kept in one language, and files in one encoding
const PATIENCE_MS = 4_000; // a weak network is as good as none

self.addEventListener("install", (event) => {
  event.waitUntil(install());
});
self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));
self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (mode === "navigate" && pathname === PAGE) event.respondWith(openPage(event));
  if (pathname.startsWith(FILES)) event.respondWith(openFile(event.request));
});

async function install() {
  await keepPage(await fetch(PAGE));
  await self.skipWaiting(); // files have their version in their address, so pages of different versions can share this
}

/** The newest document, or the kept one if the server does not send it. */
async function openPage(event) {
  const kept = await caches.match(PAGE, ANY);
  try {
    const response = await fetchSoon(event.request, kept ? PATIENCE_MS : Infinity);
    if (response.ok) event.waitUntil(keepPage(response.clone()));
    return response.status >= 500 && kept ? kept : response;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

/** Fetch, and fail if the answer has not begun after this time. */
async function fetchSoon(request, milliseconds) {
  const controller = new AbortController();
  const timer = milliseconds < Infinity ? setTimeout(() => controller.abort(), milliseconds) : undefined;
  const response = await fetch(request, { signal: controller.signal });
  clearTimeout(timer);
  return response;
}

const openFile = async (request) => (await caches.match(request, ANY)) ?? fetch(request);

/** Keep this document with its files, and nothing of former versions. */
async function keepPage(response) {
  const cache = await caches.open(CACHE);
  const files = [...(await response.clone().text()).matchAll(FILE)].map(([, address]) => address);
  if (files.length === 0) return; // this is the page of something else, where people sign in
  const missing = [];
  for (const address of new Set(files)) if (!(await cache.match(address, ANY))) missing.push(address);
  await cache.addAll(missing);
  await cache.put(PAGE, response);
  for (const { url } of await cache.keys()) {
    const { pathname } = new URL(url);
    if (pathname.startsWith(FILES) && !files.includes(pathname)) await cache.delete(url);
  }
}
