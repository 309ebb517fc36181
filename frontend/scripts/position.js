/** A place in the log: `<epoch>-<event id>`. Ids of two epochs can't be compared. */

/** @returns {{epoch: string, number: number} | null} null for what is no position */
export function parsePosition(text) {
  const match = /^(.+)-(\d+)$/.exec(text ?? "");
  return match && { epoch: match[1], number: Number(match[2]) };
}

export function formatPosition({ epoch, number }) {
  return `${epoch}-${number}`;
}
