/** Positions in the log: `<epoch>-<event id>`. Ids of different epochs can't be compared. */

/** @returns {{epoch: string, number: number} | null} null if the text is not a position */
export function parsePosition(text) {
  const match = /^(.+)-(\d+)$/.exec(text ?? "");
  return match && { epoch: match[1], number: Number(match[2]) };
}

export function formatPosition({ epoch, number }) {
  return `${epoch}-${number}`;
}
