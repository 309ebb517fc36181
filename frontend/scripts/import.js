/** Uploads a CSV file. It uses XMLHttpRequest, since fetch reports no upload progress. */

import { actorHeader } from "./actor.js";
import { Refusal, refusalOf, tellUnauthorized } from "./api.js";

const URL = "/api/inventories/import";

/**
 * Returns `{created, updated, unchanged}`, or throws a Refusal. A dry run changes nothing.
 * @param {string} [options.key] Idempotency-Key: an import that is sent again is not repeated
 * @param {(sent: number) => void} options.onProgress from 0 to 1
 */
export function sendImport(file, { isDryRun, key, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", isDryRun ? `${URL}?dry_run=1` : URL);
    request.responseType = "json";
    const headers = { "Content-Type": "text/csv", ...actorHeader(), ...(isDryRun ? {} : { "Idempotency-Key": key }) };
    for (const [name, value] of Object.entries(headers)) {
      request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
    request.addEventListener("load", () => {
      if (request.status === 401) tellUnauthorized();
      if (request.status === 200) resolve(request.response);
      else reject(refusalOf(request.status, request.response ?? {}));
    });
    request.addEventListener("error", () => reject(new Refusal("The server can't be reached, or refused the file.")));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
