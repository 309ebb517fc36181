/** The REST API. Every call returns what was asked for or throws a `Refusal` with a reason that can be shown. */

const INVENTORIES = "/api/inventories";
const TIMEOUT_MS = 15_000;

/** `status` is 0 when there was no answer at all: then nobody knows whether the request was carried out. */
export class Refusal extends Error {
  constructor(reason, { status = 0, errors = [], current = null } = {}) {
    super(reason);
    this.status = status;
    this.errors = errors;
    this.current = current;
  }
}

/** Everything there is, and the position in the log at which that was so. */
export async function listItems() {
  const response = await request("GET", INVENTORIES);
  return { items: await readJson(response), position: response.headers.get("Last-Event-ID") };
}

export async function addItem(name, quantity) {
  return readJson(await request("POST", INVENTORIES, { body: { name, quantity } }));
}

/** Only if the item still has this version. */
export async function setQuantity(id, quantity, version) {
  return readJson(await request("PUT", `${INVENTORIES}/${id}`, { body: { quantity }, version }));
}

/** Only if the item still has this version. */
export async function deleteItem(id, version) {
  await request("DELETE", `${INVENTORIES}/${id}`, { version });
}

async function request(method, url, { body, version } = {}) {
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (version) headers["If-Match"] = `"${version}"`;
  const response = await send(url, { method, headers, body: body && JSON.stringify(body) });
  if (!response.ok) throw await refusal(response);
  return response;
}

async function send(url, options) {
  try {
    return await fetch(url, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new Refusal(noAnswer(error));
  }
}

async function readJson(response) {
  try {
    return await response.json();
  } catch (error) {
    throw new Refusal(noAnswer(error));
  }
}

function noAnswer(error) {
  if (!navigator.onLine) return "This device is offline.";
  return error.name === "TimeoutError" ? "The server took too long to answer." : "The server can’t be reached.";
}

/** Not every answer is ours: a gateway's is no problem+json. */
async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  const reason = problem.detail || `The server answered ${response.status}.`;
  return new Refusal(reason, { status: response.status, errors: problem.errors, current: problem.current });
}
