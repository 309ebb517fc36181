/** The part of the REST API that is about movements: changes of quantities that belong together. */

import { call, callTwice, read } from "./api.js";

const MOVEMENTS = "/api/movements";

export const postMovement = (movement, key) => callTwice("POST", MOVEMENTS, { body: movement, key });

export const postTransfer = (transfer, key) => callTwice("POST", "/api/transfers", { body: transfer, key });

/** Book the opposite of a movement. */
export const undoMovement = (id, key) => callTwice("POST", `${MOVEMENTS}/${id}/undo`, { key });

/** Set the minimum of these items; null removes it. Returns the items. */
export const putMinimums = async (items, minimum) => read(await call("PUT", "/api/minimums", { body: { items, minimum } }));
