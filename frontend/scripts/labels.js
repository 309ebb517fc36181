/** Composes the page that prints labels. */

import { getLocations, getSession, onUnauthorized } from "./server/api.js";
import { recall, remember } from "./server/label-memory.js";
import { getLabels } from "./server/labels-api.js";
import { formatNumber } from "./state/formats.js";
import { arrange, idsOf, inGroups, labelsPerPage, MAX_LABELS, pageRules } from "./state/label-sizes.js";
import { setMessages } from "./state/messages.js";
import { mountLabelOptions } from "./views/label-options.js";
import { createLabel } from "./views/label.js";
import { setText } from "./views/text.js";

const find = (selector) => document.querySelector(selector);
const [said, signIn, options, sheets] = [".page-said", ".labels-sign-in", ".label-options", ".sheets"].map(find);
const rules = new CSSStyleSheet(); // the policy of the page forbids styles in its markup
document.adoptedStyleSheets = [rules];

setMessages("en", {}, navigator.languages); // numbers and dates as they are written where the reader is
onUnauthorized(askToSignIn);
new BroadcastChannel("stockstream.session").addEventListener("message", () => location.reload()); // signed in or out elsewhere
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

async function open() {
  const ids = idsOf(location.search);
  if (ids.length > MAX_LABELS) return say(`These are ${formatNumber(ids.length)} items. Print at most ${formatNumber(MAX_LABELS)} at a time.`);
  const session = await getSession();
  if (session.auth !== "open" && session.principal === null) return askToSignIn();
  const [labels, locations] = await Promise.all([getLabels(ids), getLocations()]);
  if (labels.length === 0) return say(ids.length ? "There are no such items." : "Select items in the stock to print their labels.");
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
  const count = counted(all.length, "label", "labels");
  setText(find(".label-options-count"), paper === "label" ? count : `${count} on ${counted(pages.length, "sheet", "sheets")}`);
  showNotes([
    [missing, "item is missing: it was deleted, or you may not see it.", "items are missing: they were deleted, or you may not see them."],
    [
      laid.filter(({ layout }) => layout.qr.isTooFine).length,
      "QR code is so fine that many cameras can't read it. Choose a larger label.",
      "QR codes are so fine that many cameras can't read them. Choose a larger label.",
    ],
    [
      laid.filter(({ label, layout }) => label.code_128 && !layout.bars).length,
      "bar code does not fit on its label, which has the QR code only.",
      "bar codes do not fit on their labels, which have the QR code only.",
    ],
  ]);
}

function createSheet(entries, paths) {
  const sheet = document.createElement("div");
  sheet.className = "sheet";
  sheet.append(...entries.map(({ label, layout }) => createLabel(label, paths.get(label.location) ?? null, layout)));
  return sheet;
}

const counted = (count, one, more) => `${formatNumber(count)} ${count === 1 ? one : more}`;

function showNotes(notes) {
  const lines = notes.filter(([count]) => count > 0).map((note) => Object.assign(document.createElement("li"), { textContent: counted(...note) }));
  find(".label-options-notes").replaceChildren(...lines);
}

function askToSignIn() {
  say("");
  options.hidden = sheets.hidden = true;
  signIn.hidden = false;
}

const say = (text) => setText(said, text);

open().catch((refusal) => signIn.hidden && say(refusal.message));
