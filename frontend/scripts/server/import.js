/** Uploads files to import. It uses XMLHttpRequest, since fetch reports no upload progress. */

import { text } from "../state/messages.js";
import { actorHeader } from "./actor.js";
import { Refusal, refusalOf, tellUnauthorized } from "./api.js";

const URL = "/api/inventories/import";

/** @typedef {{onProgress: (sent: number) => void, signal?: AbortSignal}} Upload `onProgress` gets how much was sent, from 0 to 1 */

/**
 * The columns and rows of a file, which the server reads without changing anything. Throws a Refusal.
 * @param {File} file a CSV file or a workbook
 * @param {Upload} upload
 */
export const readTable = (file, upload) => post(`${URL}/table`, file, { "Content-Type": "application/octet-stream" }, upload);

/**
 * Import these rows, all or none. Returns `{created, updated, unchanged}`, or throws a Refusal.
 * @param {string} key Idempotency-Key: an import that is sent again is not repeated
 * @param {Upload} upload
 */
export const sendImport = (csv, key, upload) =>
  post(URL, csv, { "Content-Type": "text/csv", ...actorHeader(), "Idempotency-Key": key }, upload);

function post(url, body, headers, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.responseType = "json";
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
    request.addEventListener("load", () => {
      if (request.status === 401) tellUnauthorized();
      if (request.status === 200 && request.response) resolve(request.response);
      else reject(refusalOf(request.status, request.response ?? {}));
    });
    request.addEventListener("error", () => reject(new Refusal(text("import.unreachable"))));
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}
