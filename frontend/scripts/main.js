/** Where the page is put together. */

import { createActions } from "./actions.js";
import { mountConnectionStatus } from "./connection-status.js";
import { mountDeleteDialog } from "./delete-dialog.js";
import { mountItemForm } from "./item-form.js";
import { mountItemList } from "./item-list.js";
import { shortName } from "./names.js";
import { mountNotices } from "./notices.js";
import { createStore } from "./store.js";
import { createSync } from "./sync.js";
import { connectionStatus, findItem, listItems } from "./views.js";

const find = (selector) => document.querySelector(selector);
const eventsUrl = find("meta[name=events-url]").content;

const store = createStore(update);
const notices = mountNotices(find(".notices"));
const sync = createSync(store, eventsUrl);
const actions = createActions({ store, sync, notices });

const status = mountConnectionStatus(find(".connection-status"));
const dialog = mountDeleteDialog(find(".delete-dialog"), {
  onConfirm: actions.remove,
  onGone: (item) => notices.tell(`${shortName(item.name)} was deleted by someone else.`),
});
const list = mountItemList(find(".item-list"), {
  onSetQuantity: actions.setQuantity,
  onDelete: dialog.ask,
  onDraftLost: (item) => notices.warn(`${shortName(item.name)} was deleted, and what you typed went with it.`),
  onRetry: sync.load,
});
mountItemForm(find(".item-form"), {
  onAdd: actions.add,
  onRefused: (refusal) => notices.warn(`Nothing was added: ${refusal.message}`),
});

/** At most once a frame. The rows are sorted again only when one of them has changed. */
let shown = {};
function update(state) {
  const { records, edits, phase, reason } = state;
  const isSame = shown.records === records && shown.edits === edits && shown.phase === phase && shown.reason === reason;
  status.update(connectionStatus(state));
  dialog.update((id) => findItem(state, id));
  if (!isSame) list.update(phase, reason, listItems(state));
  shown = state;
}

sync.load();
