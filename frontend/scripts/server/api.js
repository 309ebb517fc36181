/** The REST API. Each function returns the server's answer, or throws a Refusal with a reason for people. */

import { text } from "../state/messages.js";
import { parsePosition } from "../state/position.js";
import { actorHeader } from "./actor.js";
import { backoff } from "./backoff.js";

const URL = "/api/inventories";
const LOCATIONS = "/api/locations";
const UNAUTHORIZED = 401;
const PATIENCE_MS = 10_000;
const SERVER_FAILED = 500;
const PAGE = 100; // history entries per page

export class Refusal extends Error {
  /** @param {{status?: number, errors?: object[], error_count?: number, current?: object}} [problem] from the server */
  constructor(reason, problem = {}) {
    super(reason);
    this.status = problem.status ?? null;
    this.errors = problem.errors ?? [];
    this.errorCount = problem.error_count ?? this.errors.length;
    this.current = problem.current ?? null;
    this.key = null; // Idempotency-Key of a write with an unknown outcome
  }

  /** Whether the write may have been made: there was no answer, or a server error. */
  get isUncertain() {
    return this.status === null || this.status >= SERVER_FAILED;
  }
}

let unauthorized = () => {};
let uncertain = () => {};

/** Call this whenever a write gets no answer, or a server error. */
export const onUncertain = (listener) => (uncertain = listener);

/** Call this whenever the server answers that nobody is signed in. */
export const onUnauthorized = (listener) => (unauthorized = listener);
export const tellUnauthorized = () => unauthorized();

/** Who is signed in: `{auth, principal, grants}`. */
export const getSession = async () => read(await call("GET", "/api/session"));

export const postSession = (name, password) => enter("/api/session", { name, password });

export const postSetup = (token, name, password) => enter("/api/setup", { token, name, password });

export const removeSession = () => call("DELETE", "/api/session");

export const putPassword = (old, chosen) => call("PUT", "/api/session/password", { body: { old, new: chosen } });

/** The sessions of this account, latest use first. */
export const getSessions = async () => read(await call("GET", "/api/sessions"));

export const deleteOwnSession = (id) => call("DELETE", `/api/sessions/${id}`);

/** Sign in. A 401 is then about what was entered, not about the session. */
async function enter(url, body) {
  return read(await call("POST", url, { body, isEntering: true }));
}

/** The whole stock, and its position in the log. */
export async function getStock(signal) {
  const response = await call("GET", URL, { signal });
  const position = parsePosition(response.headers.get("Last-Event-ID"));
  if (!position) throw new Refusal(text("server.no_position"));
  return { position, items: await read(response) };
}

export async function addItem(item, key) {
  return callTwice("POST", URL, { body: item, key });
}

/** Set the quantity and the other given fields, if the item still has this version. `withTwins` renames its twins, too. */
export async function setItem(id, change, version, { withTwins = false } = {}) {
  return read(await call("PUT", `${URL}/${id}${withTwins ? "?twins=1" : ""}`, { body: change, version }));
}

/** Add to the quantity. */
export async function adjustItem(id, adjust, key) {
  return callTwice("PATCH", `${URL}/${id}`, { body: { adjust }, key });
}

/** Delete the item, if it still has this version. */
export async function deleteItem(id, version) {
  await call("DELETE", `${URL}/${id}`, { version });
}

/** Restore a deleted item. */
export async function restoreItem(id, key) {
  return callTwice("POST", `${URL}/${id}/restore`, { key });
}

/** Newest first. @param {number | null} after event id of the last entry of the previous page */
export const getHistory = (id, after = null, limit = PAGE) => getPage(`${URL}/${id}/history`, { after, limit });

/** The deleted items, as the history entries of their deletions, latest first. */
export const getDeleted = (after = null) => getPage(`${URL}/deleted`, { after });

async function getPage(url, { query = "", after, limit = PAGE }) {
  const page = [`limit=${limit}`, query, after === null ? "" : `after=${after}`].filter(Boolean).join("&");
  const response = await call("GET", `${url}?${page}`);
  return { entries: await read(response), hasMore: /rel="?next/.test(response.headers.get("Link") ?? "") };
}

/** The quantities of these items at this time, by id: null for one that did not exist, nothing for one that may not be seen. */
export async function getQuantitiesAt(since, ids) {
  const query = ids.map((id) => `&item=${id}`).join("");
  const { items } = await read(await call("GET", `/api/trends?steps=1&since=${since}${query}`));
  return Object.fromEntries(Object.entries(items).map(([id, [quantity]]) => [id, quantity]));
}

/** Changes of quantities and others, newest first. @param {string} query of the address @param {number | null} after event id of the last one */
export const getJournal = (query, after = null, limit = PAGE) => getPage("/api/history", { query, after, limit });

/** The stock as it was at this time. @param {string} time RFC 3339 */
export async function getStockAt(time, location) {
  const scope = location === null ? "" : `&location=${location}`;
  return read(await call("GET", `${URL}?as_of=${encodeURIComponent(time)}${scope}`));
}

/** How much of each low item is used per week, by id. */
export async function getUse() {
  const used = new Map();
  for (let after = ""; after !== null; ) {
    const page = await read(await call("GET", `/api/low?limit=${PAGE}${after && `&after=${after}`}`));
    for (const { id, used_per_week: amount } of page) used.set(id, amount);
    after = page.length === PAGE ? page.at(-1).id : null;
  }
  return used;
}

/** The locations that the account may see, in the order of their paths. */
export const getLocations = async (signal) => read(await call("GET", LOCATIONS, { signal }));

export const addLocation = async (location) => read(await call("POST", LOCATIONS, { body: location }));

/** Rename a location, or move it to another parent. */
export const changeLocation = async (id, change) => read(await call("PATCH", `${LOCATIONS}/${id}`, { body: change }));

export const deleteLocation = (id) => call("DELETE", `${LOCATIONS}/${id}`);

/** Send a write with a key, and again if there was no answer. The server applies it only once. */
export async function callTwice(method, url, request) {
  const send = async () => read(await call(method, url, request));
  try {
    return await send();
  } catch (refusal) {
    if (refusal.status !== null) throw refusal;
    await new Promise((done) => setTimeout(done, backoff(1)));
    return send();
  }
}

export async function call(method, url, { body, version, key, signal, isEntering = false } = {}) {
  const headers = { Accept: "application/json", ...(method === "GET" ? {} : actorHeader()) };
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  if (version) headers["If-Match"] = `"${version}"`;
  const timeout = AbortSignal.timeout(PATIENCE_MS);
  const response = await reach(url, {
    method,
    headers,
    body: body && JSON.stringify(body),
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  }).catch((error) => {
    if (method !== "GET") uncertain();
    throw error;
  });
  if (method !== "GET" && response.status >= SERVER_FAILED) uncertain();
  if (response.status === UNAUTHORIZED && !isEntering) tellUnauthorized();
  if (!response.ok) throw await refusal(response);
  return response;
}

async function reach(url, request) {
  try {
    return await fetch(url, request);
  } catch (error) {
    throw unreachable(error);
  }
}

export async function read(response) {
  try {
    return await response.json();
  } catch (error) {
    throw unreachable(error);
  }
}

function unreachable(error) {
  if (error.name === "AbortError") return error;
  if (error.name === "TimeoutError") return new Refusal(text("server.no_answer"));
  return new Refusal(text("server.unreachable"));
}

async function refusal(response) {
  return refusalOf(response.status, await response.json().catch(() => ({})));
}

export function refusalOf(status, problem) {
  return new Refusal(problem.detail || text("server.status", { status }), { ...problem, status });
}
