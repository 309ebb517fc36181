/** Composes the page that prints labels. */

import { getLocations, getSession, onUnauthorized } from "./server/api.js";
import { recall, remember } from "./server/label-memory.js";
import { getLabels } from "./server/labels-api.js";
import { loadMessages } from "./server/messages.js";
import { arrange, idsOf, inGroups, labelsPerPage, MAX_LABELS, pageRules } from "./state/label-sizes.js";
import { text } from "./state/messages.js";
import { mountLabelOptions } from "./views/label-options.js";
import { createLabel } from "./views/label.js";
import { setText } from "./views/text.js";

const find = (selector) => document.querySelector(selector);
const [said, signIn, options, sheets] = [".page-said", ".labels-sign-in", ".label-options", ".sheets"].map(find);
const rules = new CSSStyleSheet(); // the policy of the page forbids styles in its markup
document.adoptedStyleSheets = [rules];

await loadMessages();
onUnauthorized(askToSignIn);
new BroadcastChannel("stockstream.session").addEventListener("message", () => location.reload()); // signed in or out elsewhere
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

async function open() {
  const ids = idsOf(location.search);
  if (ids.length > MAX_LABELS) return say(text("labels.too_many", { count: ids.length, most: MAX_LABELS }));
  const session = await getSession();
  if (session.auth !== "open" && session.principal === null) return askToSignIn();
  const [labels, locations] = await Promise.all([getLabels(ids), getLocations()]);
  if (labels.length === 0) return say(text(ids.length ? "labels.none" : "labels.select"));
  const paths = new Map(locations.length > 1 ? locations.map(({ id, path }) => [id, path]) : []);
  say("");
  options.hidden = sheets.hidden = false;
  mountLabelOptions(options.querySelector("form"), recall(), {
    onPrint: () => print(),
    onChange: (chosen) => chosen && show(labels, paths, ids.length - labels.length, chosen),
  });
}

function show(labels, paths, missing, { paper, sizes, size, copies }) {
  remember({ paper, sizes });
  rules.replaceSync(pageRules(paper, size));
  const laid = labels.map((label) => ({ label, layout: arrange(size, label) }));
  const all = laid.flatMap((entry) => Array(copies).fill(entry));
  const pages = inGroups(all, labelsPerPage(size));
  sheets.classList.toggle("sheets-small", paper === "label");
  sheets.replaceChildren(...pages.map((entries) => createSheet(entries, paths)));
  const count = text("labels.count", { count: all.length });
  setText(find(".label-options-count"), paper === "label" ? count : text("labels.on_sheets", { labels: count, count: pages.length }));
  showNotes({
    "labels.missing": missing,
    "labels.too_fine": laid.filter(({ layout }) => layout.qr.isTooFine).length,
    "labels.no_bars": laid.filter(({ label, layout }) => label.code_128 && !layout.bars).length,
  });
}

function createSheet(entries, paths) {
  const sheet = document.createElement("div");
  sheet.className = "sheet";
  sheet.append(...entries.map(({ label, layout }) => createLabel(label, paths.get(label.location) ?? null, layout)));
  return sheet;
}

/** Shows these messages, each with its count, without those that count nothing. */
function showNotes(counts) {
  const notes = Object.entries(counts).filter(([, count]) => count > 0);
  const lines = notes.map(([key, count]) => Object.assign(document.createElement("li"), { textContent: text(key, { count }) }));
  find(".label-options-notes").replaceChildren(...lines);
}

function askToSignIn() {
  say("");
  options.hidden = sheets.hidden = true;
  signIn.hidden = false;
}

const say = (what) => setText(said, what);

open().catch((refusal) => signIn.hidden && say(refusal.message));
