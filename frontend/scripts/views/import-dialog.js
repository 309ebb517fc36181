/** The import dialog: choose a file, check it with a dry run, import it. Errors are listed by line. */

import { formatNumber, formatPercent } from "../formats.js";
import { sendImport } from "../import.js";
import { createKey } from "../keys.js";
import { areSeveral } from "../locations.js";
import { setText } from "./text.js";

export function mountImportDialog(dialog, store, { onImported }) {
  const part = (name) => dialog.querySelector(`.import-dialog-${name}`);
  const [box, drop, confirm, said, faults] = ["file", "drop", "confirm", "said", "errors"].map(part);
  const lines = faults.querySelector("tbody");
  const progress = dialog.querySelector("progress");
  let file = null;
  let key = null; // Idempotency-Key of the import of this file
  let isUnanswered = false; // the import was sent and its outcome is unknown
  let sending = null; // aborts the current upload

  function show(step, text = "") {
    dialog.dataset.step = step;
    setText(said, text);
    confirm.hidden = step !== "tried";
    faults.hidden = step !== "refused" || !lines.childElementCount;
    part("progress").hidden = step !== "sending";
  }

  function showProgress(sent) {
    progress.value = sent;
    setText(part("percent"), sent < 1 ? formatPercent(sent) : "Waiting for the server…");
  }

  function send(isDryRun) {
    sending?.abort();
    sending = new AbortController();
    showProgress(0);
    show("sending");
    return sendImport(file, { isDryRun, key, onProgress: showProgress, signal: sending.signal });
  }

  async function checkFile(chosen) {
    if (!chosen) return;
    file = chosen;
    key = createKey();
    isUnanswered = false;
    setText(part("name"), file.name);
    try {
      const counts = await send(true);
      show("tried", describePlan(counts));
      confirm.focus();
    } catch (refusal) {
      refuse(refusal);
    }
  }

  async function importFile() {
    isUnanswered = true;
    try {
      const counts = await send(false);
      isUnanswered = false;
      dialog.close();
      onImported(`${file.name}: ${describeResult(counts)}`);
    } catch (refusal) {
      if (refusal.isUncertain) return show("tried", `${refusal.message} ${UNANSWERED}`);
      isUnanswered = false;
      refuse(refusal);
    }
  }

  function refuse({ message, errors, errorCount }) {
    lines.replaceChildren(...errors.map(createErrorRow));
    const more = errorCount > errors.length ? ` The first ${formatNumber(errors.length)} are shown.` : "";
    const count = errorCount === 1 ? "One error" : `${formatNumber(errorCount)} errors`;
    show("refused", errors.length ? `${count}; nothing was imported.${more}` : `Nothing was imported. ${message}`);
  }

  box.addEventListener("change", () => {
    checkFile(box.files[0]);
    box.value = ""; // so that the same file can be chosen again
  });
  confirm.addEventListener("click", importFile);
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("is-over");
    checkFile(event.dataTransfer.files[0]);
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest(".dialog-close")) dialog.close();
  });
  dialog.addEventListener("close", () => sending?.abort());
  store.subscribe(({ locations }) => (part("location").hidden = !areSeveral(locations)));

  return {
    open() {
      if (isUnanswered) {
        show("tried", UNANSWERED);
      } else {
        setText(part("name"), "");
        show("choosing");
      }
      dialog.showModal();
    },
  };
}

const UNANSWERED = "The file may have been imported, or not. Press Import again: it is imported only once.";

function createErrorRow({ line, column, field, message }) {
  const row = document.createElement("tr");
  const place = [line, column].map((number) => (number == null ? "" : formatNumber(number)));
  for (const text of [place[0], field ?? place[1], message]) {
    const cell = document.createElement("td");
    cell.dir = "auto";
    cell.textContent = text;
    row.append(cell);
  }
  return row;
}

const items = (count) => `${formatNumber(count)} ${count === 1 ? "item" : "items"}`;

function describePlan({ created, updated, unchanged }) {
  if (created + updated === 0) return `Nothing would change: ${items(unchanged)} are as in the file.`;
  return `${items(created)} would be added, ${items(updated)} changed, ${items(unchanged)} left as they are.`;
}

function describeResult({ created, updated }) {
  return `${items(created)} added, ${items(updated)} changed.`;
}
