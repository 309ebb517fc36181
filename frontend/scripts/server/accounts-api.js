/** The calls of the REST API that only admins make. */

import { call, read } from "./api.js";

const PAGE = 50; // entries of the access log

export const getAccounts = async () => read(await call("GET", "/api/accounts"));

export const addAccount = async (account) => read(await call("POST", "/api/accounts", { body: account }));

export const changeAccount = async (id, change) => read(await call("PATCH", `/api/accounts/${id}`, { body: change }));

export const endSessions = (id) => call("DELETE", `/api/accounts/${id}/sessions`);

export const getTokens = async () => read(await call("GET", "/api/tokens"));

/** The answer has the secret, as `token`. It is not shown again. */
export const addToken = async (token) => read(await call("POST", "/api/tokens", { body: token }));

export const revokeToken = (id) => call("DELETE", `/api/tokens/${id}`);

/** Newest first. @param {number | null} after id of the last entry of the previous page */
export async function getAccessLog(after = null) {
  const entries = await read(await call("GET", `/api/access-log?limit=${PAGE}${after === null ? "" : `&after=${after}`}`));
  return { entries, hasMore: entries.length === PAGE };
}
