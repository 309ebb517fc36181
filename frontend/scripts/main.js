/** Composes the page. */

import { createImportActions } from "./actions/imports.js";
import { createItemActions } from "./actions/items.js";
import { createListActions } from "./actions/lists.js";
import { createQuantityActions } from "./actions/quantities.js";
import { keepLists } from "./server/kept-lists.js";
import { keepStock } from "./server/kept-stock.js";
import { createLocationList } from "./server/location-list.js";
import { loadMessages } from "./server/messages.js";
import { keepPage } from "./server/offline.js";
import { reloadWhileQuiet } from "./server/reloading.js";
import { watchSaving } from "./server/saving.js";
import { createSession } from "./server/session.js";
import { createSnapshot } from "./server/snapshot.js";
import { createStream } from "./server/stream.js";
import { createTrends } from "./server/trends.js";
import { parseAddress } from "./state/address.js";
import { isQuiet } from "./state/connection.js";
import { startOfDay } from "./state/filters.js";
import { createListing } from "./state/listing.js";
import { isReading, mayEdit, mayEditItem } from "./state/rights.js";
import { INITIAL_STATE, reduce } from "./state/state.js";
import { createStore } from "./store.js";
import { mountAccount } from "./views/account.js";
import { mountActivity } from "./views/activity.js";
import { mountAddDialog } from "./views/add-dialog.js";
import { mountAddressBar } from "./views/address-bar.js";
import { mountConfirm } from "./views/confirm.js";
import { mountConnection } from "./views/connection.js";
import { mountDeletedList } from "./views/deleted-list.js";
import { mountItemPanel } from "./views/item-panel.js";
import { mountLanguage } from "./views/language.js";
import { mountLocationsDialog } from "./views/locations-dialog.js";
import { mountMenu } from "./views/menu.js";
import { mountMinimumDialog } from "./views/minimum-dialog.js";
import { mountNotices } from "./views/notices.js";
import { drawNothingDuringPresses } from "./views/presses.js";
import { createScanned } from "./views/scanned.js";
import { listenForScans } from "./views/scans.js";
import { mountSelection } from "./views/selection.js";
import { mountShell } from "./views/shell.js";
import { mountShortcuts } from "./views/shortcuts.js";
import { mountSignIn } from "./views/sign-in.js";
import { mountStockList } from "./views/stock-list.js";
import { mountViews } from "./views/views.js";

const DAY_CHECK_MS = 60_000;

const find = (selector) => document.querySelector(selector);

await loadMessages();

const auth = find('meta[name="auth"]').content;
export const store = createStore(reduce, {
  ...INITIAL_STATE,
  session: { ...INITIAL_STATE.session, auth },
  today: startOfDay(Date.now()),
  ...parseAddress(location.search),
});
const listing = createListing();
const trends = createTrends(store, { mayLoad: () => isReading(store.state.session), onLoaded: store.redraw });
const locationList = createLocationList(store);
const snapshot = createSnapshot(store, { onLoaded: followLog });
const stream = createStream(find('meta[name="events-url"]').content, store, {
  onReset: loadAgain,
  onSignedOut: stopFollowing,
});
const session = createSession(auth, store, { onSignedIn: begin });
reloadWhileQuiet(store, { onDue: snapshot.load });
setInterval(() => store.dispatch({ type: "today", today: startOfDay(Date.now()) }), DAY_CHECK_MS);
const items = createItemActions(store, { onOutdated: snapshot.load });
const quantities = createQuantityActions(store, { onOutdated: snapshot.load });
const kept = keepLists(store);
const bookings = createListActions(store, { onOutdated: snapshot.load, onSent: kept.save });
const imports = createImportActions(store, listing, { onImported: told });
watchSaving(store);
keepStock(store);
keepPage();
const say = (notice) => store.dispatch({ type: "notice", notice });

let isFollowing = false;

/** Load the stock and the locations, and follow the log: from where it was left, or else from the loaded stock on. */
function begin() {
  if (store.state.stock.isComplete && store.state.keptAt === null) followLog();
  locationList.load();
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

/** Try to connect now, and not only after the time that was set. */
function retry() {
  const { keptAt, session: shown } = store.state;
  if (keptAt === null) stream.retry();
  else if (shown.isKept) session.load();
  else begin();
}

/** After a reset, which may also mean that the rights have changed. */
function loadAgain() {
  if (auth !== "open") session.load();
  trends.forget();
  locationList.load();
  snapshot.load();
}

const ON_NOTICE = {
  add: ({ values }) => addDialog.tryAgain(values),
  open: ({ id }) => open(id),
  restore: (action) => items.restore(action.items),
  adjust: ({ id, by, isUndo }) => quantities.adjust(id, by, { isUndo }),
  adjust_again: quantities.adjustAgain,
  edit: ({ began, values }) => items.edit(began, values),
  unbook: ({ movement }) => bookings.undo(movement),
};

function act({ key, action }) {
  store.dispatch(action.isUndo ? { type: "undo", key } : { type: "dismiss", key });
  ON_NOTICE[action.kind](action);
}

/** Undo the latest change that can be undone. */
function undo() {
  const latest = store.state.notices.undoable.at(-1);
  if (latest) act(latest);
}

const section = find(".stock-list");
const confirm = mountConfirm(find(".confirm"), store, {
  onDelete: removeAll,
  onEdit: (began, values, { withTwins }) => items.edit(began, values, { withTwins }),
});
const deleted = mountDeletedList(find(".deleted-list"), store, { onRestore: items.restore });
const locationsDialog = mountLocationsDialog(find(".locations"), find('[data-opens="locations"]'), store, {
  reload: locationList.load,
});
const addDialog = mountAddDialog(find(".add-dialog"), store, listing, { onAdd: items.add, onOpen: open });
const menu = mountMenu(find(".menu"), find(".person"), store, listing);

const takeCode = createScanned(store, listing, {
  say,
  isAdding: () => find(".add-dialog").open && addDialog.hasDraft,
  onItem: open,
  onNew: (code) => addDialog.open({ code }),
});
const minimumDialog = mountMinimumDialog(find(".minimum-dialog"), { onSet: bookings.setMinimum });

mountConnection(find(".connection"), find(".connection-detail"), store, { onRetry: retry });
const selection = mountSelection(section, store, listing, {
  onDelete: confirm.askToDelete,
  onMinimum: minimumDialog.open,
});
const list = mountStockList(section, store, listing, trends, {
  open: (id) => open(id),
  add: (name) => addDialog.open({ name: name.trim() }),
  adjust: quantities.adjust,
  edit: items.edit,
  reload: snapshot.load,
});
const panel = mountItemPanel(find(".item-panel"), store, listing, {
  onAdjust: quantities.adjust,
  onEdit: items.edit,
  onRemove: items.remove,
  onRestore: items.restore,
  onClosed: (id) => list.focusItem(id),
});
mountViews(find("main"), section, store, listing, {
  imports,
  onBook: bookings.book,
  onCode: takeCode,
  onOpen: (id) => open(id),
  onReceive: receive,
});
mountShell(store, listing, {
  onView: show,
  onBook: book,
  onOpenFirst: openFirst,
});
mountActivity(find(".activity"), store);
mountNotices(find(".notices"), store, { onAction: act });
mountShortcuts(find(".shortcuts"), list, {
  defer: listenForScans({ onScan: takeCode }),
  onSearch: () => (find("#booking-query") ?? find("#search")).focus(),
  onAdd: add,
  onStock: () => show("stock"),
  onBook: (verb) => () => book(verb),
  onDelete: remove,
  onUndo: undo,
});
mountAddressBar(store);
drawNothingDuringPresses(store);

/** Open the panel of an item, and let the person type there. A dialog would cover it. */
function open(id) {
  for (const dialog of document.querySelectorAll("dialog:modal:not(.sign-in)")) dialog.close();
  store.dispatch({ type: "view", opened: id });
  requestAnimationFrame(() => requestAnimationFrame(panel.focus));
}

/** Open the first item of the list, which may not be drawn yet. */
function openFirst() {
  const [first] = listing(store.state).rows;
  if (first) open(first.id);
}

function add() {
  if (mayEdit(store.state.session)) addDialog.open();
}

function remove(id) {
  const item = listing(store.state).items.get(id);
  if (item && mayEditItem(store.state, item)) items.remove([item]);
}

/** Tell what an import has done. If no row is left, the list shows it. */
function told(text) {
  say({ tone: "success", message: "plain", values: { text } });
  if (isQuiet(store.state.connection, Date.now())) snapshot.load(); // no event tells what was imported
  if (store.state.view === "import" && store.state.importing.rows.length === 0) show("stock");
}

/** Delete these items, which then make room for the others at once. */
function removeAll(chosen) {
  items.remove(chosen);
  store.dispatch({ type: "release" });
}

/** Open a view. */
function show(view) {
  store.dispatch({ type: "view", view, opened: null, ...(view === "stock" ? { filter: "all" } : {}) });
}

/** Open a task. The selected items are in its list then, and not selected any more. */
function book(verb) {
  if (!mayEdit(store.state.session)) return;
  const chosen = selection.items();
  for (const item of chosen) store.dispatch({ type: "list", verb, act: "add", item });
  store.dispatch({ type: "select", ids: chosen.map(({ id }) => id), isSelected: false });
  show(verb);
}

/** Put these into the list to receive, and open it. */
function receive(lines) {
  for (const { item, amount } of lines) store.dispatch({ type: "list", verb: "receive", act: "amount", item, amount });
  show("receive");
}

const OPENERS = {
  add,
  deleted: deleted.open,
  locations: locationsDialog.open,
  menu: menu.open,
  shortcuts: () => find(".shortcuts").showModal(),
};
document.addEventListener("click", ({ target }) => OPENERS[target.closest("[data-opens]")?.dataset.opens]?.());
document.addEventListener("close", focusHeading, true);
addEventListener("online", () => store.state.keptAt !== null && retry());

/** A dialog gives the focus back when it closes. If nothing had it, or it is gone, Tab goes on from the heading. */
function focusHeading({ target: dialog }) {
  const focused = document.activeElement;
  const isLost = focused === document.body || (!dialog.open && dialog.contains(focused));
  const heading = [...document.querySelectorAll("h1")].find((each) => each.checkVisibility());
  if (isLost) heading?.focus({ preventScroll: true });
}

mountLanguage(find("#language"));
mountSignIn(find(".sign-in"), store, session);
mountAccount(find(".account-button"), find(".account"), store, session);

session.load();
