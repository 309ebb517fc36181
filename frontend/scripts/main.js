/** Where the page is put together. */

import { createActions } from "./actions.js";
import { createSnapshot } from "./snapshot.js";
import { INITIAL_STATE, reduce } from "./state.js";
import { createStore } from "./store.js";
import { createStream } from "./stream.js";
import { mountAddForm } from "./views/add-form.js";
import { mountConnection } from "./views/connection.js";
import { mountDeleteDialog } from "./views/delete-dialog.js";
import { mountNotices } from "./views/notices.js";
import { mountStockList } from "./views/stock-list.js";

const find = (selector) => document.querySelector(selector);

const store = createStore(reduce, INITIAL_STATE);
const snapshot = createSnapshot(store, { onLoaded: () => stream.open() });
const stream = createStream(find('meta[name="events-url"]').content, store, { onReset: snapshot.load });
const actions = createActions(store, {
  onWritten() {
    if (store.state.connection !== "live") snapshot.load(); // no event will tell
  },
});

const deleteDialog = mountDeleteDialog(find(".delete-dialog"), store, { onConfirm: actions.remove });
mountConnection(find(".connection"), find(".connection-detail"), store);
mountAddForm(find(".add-form form"), { onAdd: actions.add });
mountNotices(find(".notices"), store);
mountStockList(find(".stock-list"), store, {
  onEdit: actions.edit,
  onDelete: deleteDialog.open,
  onRetry: snapshot.load,
});

snapshot.load();
