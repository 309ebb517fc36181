/** Reads the file that a person chooses, and imports the rows that they have checked. */

import { readTable, sendImport } from "../server/import.js";
import { createKey } from "../server/keys.js";
import { writeImport } from "../state/import-csv.js";
import { planImport } from "../state/import-plan.js";
import { text } from "../state/messages.js";

/** `onImported(text)` is told what an import has done. */
export function createImportActions(store, listing, { onImported }) {
  let reading = null; // aborts the current upload of a file to read

  const tell = (act, values = {}) => store.dispatch({ type: "import", act, ...values });
  const onProgress = (progress) => tell("progress", { progress });

  /** Read a file. Nothing is changed by it. */
  async function read(file) {
    reading?.abort();
    const { signal } = (reading = new AbortController());
    tell("read", { name: file.name });
    try {
      const table = await readTable(file, { onProgress, signal });
      if (!signal.aborted) tell("table", { name: file.name, table });
    } catch ({ message }) {
      if (!signal.aborted) tell("failed", { failure: `${file.name}: ${message}` });
    }
  }

  /** Import what is new and what has changed. If the outcome of what was sent is unknown, send the same again. */
  async function send() {
    const { importing } = store.state;
    const sent = importing.sent ?? prepare();
    tell("send", { sent });
    try {
      const { created, updated } = await sendImport(sent.csv, sent.key, { onProgress });
      const counts = { created: text("import.done_items", { count: created }), updated: text("import.done_items", { count: updated }) };
      const left = sent.left.length;
      if (isCurrent(sent)) tell("imported", { left: sent.left, said: left ? text("import.done_left", { count: left }) : "" });
      onImported(text("import.done", { file: importing.name, ...counts }));
    } catch (refusal) {
      if (!isCurrent(sent)) return;
      if (refusal.isUncertain) tell("uncertain", { failure: `${refusal.message} ${text("import.ask_again")}` });
      else tell("refused", refusedRows(refusal, sent));
    }
  }

  /** Whether the person has not begun another import. */
  const isCurrent = (sent) => store.state.importing.sent === sent;

  function prepare() {
    const { importing, locations } = store.state;
    const { rows } = planImport(importing, store.state, listing(store.state).items);
    const left = rows.filter(({ kind }) => kind === "wrong" || kind === "left").map(({ index }) => index);
    const versions = new Map(rows.map(({ index, item }) => [index, item?.version ?? null]));
    return { ...writeImport(rows, importing.mapping, locations), key: createKey(), left, versions };
  }

  return {
    read,
    send,
    clear() {
      reading?.abort();
      tell("clear");
    },
  };
}

/** What the server has refused, by row. */
function refusedRows({ message, errors }, { lines, versions }) {
  const refused = new Map();
  for (const { line, field, message: reason } of errors) {
    const row = lines.get(line);
    if (row === undefined) continue;
    refused.set(row, { field, message: text("import.server_refused", { field, reason }), version: versions.get(row) });
  }
  return { failure: text("import.not_imported", { reason: refused.size ? "" : message }).trim(), refused };
}
