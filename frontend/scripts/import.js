/** A CSV file on its way to the server. XMLHttpRequest, since fetch does not tell how much has been sent. */

import { actorHeader } from "./actor.js";
import { Refusal, refusalOf } from "./api.js";

const URL = "/api/inventories/import";

/**
 * Gives `{created, updated, unchanged}`, or throws a Refusal; a dry run says what would be, and changes nothing.
 * @param {(sent: number) => void} onProgress from 0 to 1
 */
export function sendImport(file, { isDryRun, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", isDryRun ? `${URL}?dry_run=1` : URL);
    request.responseType = "json";
    for (const [name, value] of Object.entries({ "Content-Type": "text/csv", ...actorHeader() })) {
      request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
    request.addEventListener("load", () => {
      if (request.status === 200) resolve(request.response);
      else reject(refusalOf(request.status, request.response ?? {}));
    });
    request.addEventListener("error", () => reject(new Refusal("The server can't be reached, or refused the file.")));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
