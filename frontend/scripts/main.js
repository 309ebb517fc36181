/** Composes the page. */

import { createActions } from "./actions.js";
import { getActor, setActor } from "./actor.js";
import { parseAddress } from "./address.js";
import { createListing } from "./listing.js";
import { reloadWhileQuiet } from "./reloading.js";
import { createSnapshot } from "./snapshot.js";
import { isReading } from "./rights.js";
import { createSession } from "./session.js";
import { INITIAL_STATE, reduce } from "./state.js";
import { createStore } from "./store.js";
import { createStream } from "./stream.js";
import { createTrends } from "./trends.js";
import { mountAccount } from "./views/account.js";
import { mountActivity } from "./views/activity.js";
import { mountAddForm } from "./views/add-form.js";
import { mountAddressBar } from "./views/address-bar.js";
import { mountBulkDelete } from "./views/bulk-delete.js";
import { mountConnection } from "./views/connection.js";
import { mountDeletedList } from "./views/deleted-list.js";
import { mountImportDialog } from "./views/import-dialog.js";
import { mountItemDrawer } from "./views/item-drawer.js";
import { mountNotices } from "./views/notices.js";
import { mountOverview } from "./views/overview.js";
import { mountSelection } from "./views/selection.js";
import { mountShortcuts } from "./views/shortcuts.js";
import { mountSignIn } from "./views/sign-in.js";
import { mountStockList } from "./views/stock-list.js";
import { mountToolbar } from "./views/toolbar.js";

const find = (selector) => document.querySelector(selector);

const auth = find('meta[name="auth"]').content;
export const store = createStore(reduce, {
  ...INITIAL_STATE,
  session: { ...INITIAL_STATE.session, auth },
  ...parseAddress(location.search),
});
const listing = createListing();
const trends = createTrends({ mayLoad: () => isReading(store.state.session), onLoaded: store.redraw });
const snapshot = createSnapshot(store, { onLoaded: followLog });
const stream = createStream(find('meta[name="events-url"]').content, store, {
  onReset: loadAgain,
  onSignedOut: stopFollowing,
});
const session = createSession(auth, store, { onSignedIn: begin });
reloadWhileQuiet(store, { onDue: snapshot.load });
const actions = createActions(store, { onOutdated: snapshot.load });

let isFollowing = false;

/** Load the stock, and follow the log: from where it was left, or else from the loaded stock on. */
function begin() {
  if (store.state.stock.isComplete) followLog();
  snapshot.load();
}

function followLog() {
  if (isFollowing) return;
  isFollowing = true;
  stream.open();
}

function stopFollowing(reason) {
  isFollowing = false;
  session.check(reason);
}

/** After a reset, which may also mean that the rights have changed. */
function loadAgain() {
  if (auth !== "open") session.load();
  snapshot.load();
}

const ON_NOTICE = {
  undo: ({ items }) => actions.restore(items),
  step: (steps) => actions.stepAgain(steps),
  retry: ({ id, wanted }) => actions.edit(id, wanted),
};

function undo() {
  const notice = store.state.notices.shown.findLast(({ action }) => action?.kind === "undo");
  if (!notice) return;
  store.dispatch({ type: "dismiss", key: notice.key });
  actions.restore(notice.action.items);
}

const section = find(".stock-list");
const bulkDelete = mountBulkDelete(find(".bulk-delete"), { onConfirm: actions.remove });
const deleted = mountDeletedList(find(".deleted-list"), { onRestore: actions.restore });
const importDialog = mountImportDialog(find(".import-dialog"), {
  onImported: (text) => actions.say({ tone: "success", text }),
});

mountConnection(find(".connection"), find(".connection-detail"), store, { onRetry: stream.retry });
mountOverview(find(".overview"), store, listing, trends);
mountAddForm(find(".add-form form"), { onAdd: actions.add });
mountToolbar(section, store, listing);
mountSelection(section, store, listing, { onDelete: bulkDelete.open });
const list = mountStockList(section, store, listing, trends, {
  open: (id) => store.dispatch({ type: "view", opened: id }),
  edit: actions.edit,
  step: actions.step,
  remove: actions.remove,
  reload: snapshot.load,
});
mountItemDrawer(find(".item-drawer"), store, {
  onEdit: actions.edit,
  onStep: actions.step,
  onRestore: actions.restore,
});
mountActivity(find(".activity"), store);
mountNotices(find(".notices"), store, { onAction: (action) => ON_NOTICE[action.kind](action) });
mountShortcuts(find(".shortcuts"), list, {
  onSearch: () => find(".stock-list-search").focus(),
  onAdd: () => find("#add-name").focus(),
  onUndo: undo,
});
mountAddressBar(store);

const OPENERS = {
  import: importDialog.open,
  deleted: deleted.open,
  shortcuts: () => find(".shortcuts").showModal(),
  add: () => find("#add-name").focus(),
};
document.addEventListener("click", ({ target }) => OPENERS[target.closest("[data-opens]")?.dataset.opens]?.());

mountSignIn(find(".sign-in"), store, session);
mountAccount(find(".account-button"), find(".account"), store, session);

const actor = find("#actor");
find(".actor").hidden = auth !== "open"; // with accounts, the log has the account's name
actor.value = getActor();
actor.addEventListener("change", () => setActor(actor.value));

session.load();
