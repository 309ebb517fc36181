/** The REST API. Each call gives what the server has, or throws a Refusal with a reason fit to be read. */

import { parsePosition } from "./position.js";

const URL = "/api/inventories";
const PATIENCE_MS = 10_000;

export class Refusal extends Error {
  /** @param {{status?: number, errors?: object[], current?: object}} [problem] the server's own words, if it answered */
  constructor(reason, problem = {}) {
    super(reason);
    this.status = problem.status ?? null;
    this.errors = problem.errors ?? [];
    this.current = problem.current ?? null;
  }
}

/** The whole stock, and the position in the log at which it was so. */
export async function getStock(signal) {
  const response = await call("GET", URL, { signal });
  const position = parsePosition(response.headers.get("Last-Event-ID"));
  if (!position) throw new Refusal("The server did not say how new its list is.");
  return { position, items: await read(response) };
}

export async function addItem(name, quantity) {
  return read(await call("POST", URL, { body: { name, quantity } }));
}

/** Set the quantity, if the item still has this version. */
export async function setQuantity(id, quantity, version) {
  return read(await call("PUT", `${URL}/${id}`, { body: { quantity }, version }));
}

/** Delete the item, if it still has this version. */
export async function deleteItem(id, version) {
  await call("DELETE", `${URL}/${id}`, { version });
}

async function call(method, url, { body, version, signal } = {}) {
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (version) headers["If-Match"] = `"${version}"`;
  const timeout = AbortSignal.timeout(PATIENCE_MS);
  const response = await reach(url, {
    method,
    headers,
    body: body && JSON.stringify(body),
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  });
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

async function read(response) {
  try {
    return await response.json();
  } catch (error) {
    throw unreachable(error);
  }
}

function unreachable(error) {
  if (error.name === "AbortError") return error;
  if (error.name === "TimeoutError") return new Refusal("The server did not answer in time.");
  return new Refusal("The server can't be reached.");
}

async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  const reason = problem.detail || `The server answered with status ${response.status}.`;
  return new Refusal(reason, { ...problem, status: response.status });
}
