/** The paper that this browser printed labels on last, and the size for each kind of paper. */

import { DEFAULT_PAPER, PAPERS, readSize } from "../state/label-sizes.js";

const KEY = "stockstream.labels";

/** @returns {{paper: string, sizes: object}} with a valid size for each kind of paper */
export function recall() {
  const stored = readStored();
  const sizes = {};
  for (const paper of Object.keys(PAPERS)) {
    const { size, errors } = readSize(paper, stored?.sizes?.[paper]);
    sizes[paper] = errors.length === 0 ? size : PAPERS[paper].size;
  }
  return { paper: Object.hasOwn(PAPERS, stored?.paper) ? stored.paper : DEFAULT_PAPER, sizes };
}

function readStored() {
  try {
    return JSON.parse(localStorage.getItem(KEY));
  } catch {
    return null; // storage may be blocked, or hold something else
  }
}

export function remember(chosen) {
  try {
    localStorage.setItem(KEY, JSON.stringify(chosen));
  } catch {
    // then the size lasts until the page is closed
  }
}
