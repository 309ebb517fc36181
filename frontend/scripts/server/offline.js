/** Has the browser keep the page, so that it opens without a network. */

import { SERVICE_WORKER, trusted } from "./workers.js";

/** Only pages from HTTPS, or from this device, can be kept. */
export function keepPage() {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  const register = () => serviceWorker.register(trusted(SERVICE_WORKER)).catch(() => {}); // it may be forbidden, or offline
  if (document.readyState === "complete") register();
  else addEventListener("load", register); // what the page needs first comes first
}
