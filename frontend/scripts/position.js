/** A place in the log, `<epoch>-<event id>`. Event ids of one epoch can be compared, epochs cannot. */

const POSITION = /^([0-9a-z]+)-([0-9]+)$/;

export function parsePosition(text) {
  const match = POSITION.exec(text ?? "");
  if (!match) throw new TypeError(`not a position: ${text}`);
  return { epoch: match[1], eventId: Number(match[2]) };
}

export function formatPosition({ epoch, eventId }) {
  return `${epoch}-${eventId}`;
}
