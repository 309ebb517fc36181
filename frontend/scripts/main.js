/** Composes the page. */

import { createActions } from "./actions.js";
import { getActor, setActor } from "./actor.js";
import { parseAddress } from "./address.js";
import { createBookingActions } from "./booking-actions.js";
import { createListing } from "./listing.js";
import { createLocationList } from "./location-list.js";
import { reloadWhileQuiet } from "./reloading.js";
import { createSnapshot } from "./snapshot.js";
import { isReading } from "./rights.js";
import { listenForScans } from "./scanning.js";
import { createSession } from "./session.js";
import { INITIAL_STATE, reduce } from "./state.js";
import { createStore } from "./store.js";
import { createStream } from "./stream.js";
import { createTrends } from "./trends.js";
import { mountAccount } from "./views/account.js";
import { mountActivity } from "./views/activity.js";
import { mountAddForm } from "./views/add-form.js";
import { mountAddressBar } from "./views/address-bar.js";
import { mountBookingDialog } from "./views/booking-dialog.js";
import { mountBulkDelete } from "./views/bulk-delete.js";
import { mountCamera } from "./views/camera.js";
import { mountConnection } from "./views/connection.js";
import { mountDeletedList } from "./views/deleted-list.js";
import { mountImportDialog } from "./views/import-dialog.js";
import { mountItemDrawer } from "./views/item-drawer.js";
import { mountLocationsDialog } from "./views/locations-dialog.js";
import { mountMinimumDialog } from "./views/minimum-dialog.js";
import { mountNotices } from "./views/notices.js";
import { mountOrderLink } from "./views/order-link.js";
import { mountOverview } from "./views/overview.js";
import { createScanned } from "./views/scanned.js";
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
const locationList = createLocationList(store);
const snapshot = createSnapshot(store, { onLoaded: followLog });
const stream = createStream(find('meta[name="events-url"]').content, store, {
  onReset: loadAgain,
  onSignedOut: stopFollowing,
});
const session = createSession(auth, store, { onSignedIn: begin });
reloadWhileQuiet(store, { onDue: snapshot.load });
const actions = createActions(store, { onOutdated: snapshot.load });
const bookings = createBookingActions(store, { onOutdated: snapshot.load });

let isFollowing = false;

/** Load the stock and the locations, and follow the log: from where it was left, or else from the loaded stock on. */
function begin() {
  if (store.state.stock.isComplete) followLog();
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

/** After a reset, which may also mean that the rights have changed. */
function loadAgain() {
  if (auth !== "open") session.load();
  trends.forget();
  locationList.load();
  snapshot.load();
}

const ON_NOTICE = {
  undo: ({ items }) => actions.restore(items),
  step: (steps) => actions.stepAgain(steps),
  unbook: ({ movements }) => bookings.undo(movements),
  retry: ({ id, wanted, withTwins }) => actions.edit(id, wanted, null, { withTwins }),
};

const UNDONE = new Set(["undo", "unbook"]);

function undo() {
  const notice = store.state.notices.shown.findLast(({ action }) => UNDONE.has(action?.kind));
  if (!notice) return;
  store.dispatch({ type: "dismiss", key: notice.key });
  ON_NOTICE[notice.action.kind](notice.action);
}

const section = find(".stock-list");
const bulkDelete = mountBulkDelete(find(".bulk-delete"), { onConfirm: actions.remove });
const deleted = mountDeletedList(find(".deleted-list"), store, { onRestore: actions.restore });
const importDialog = mountImportDialog(find(".import-dialog"), store, {
  onImported: (text) => actions.say({ tone: "success", text }),
});
const locationsDialog = mountLocationsDialog(find(".locations"), find('[data-opens="locations"]'), store, {
  reload: locationList.load,
});

const addForm = find(".add-form form");
const takeCode = createScanned(store, listing, addForm, { say: actions.say });
const camera = mountCamera(find(".booking-camera"), { onCode: takeCode });
const bookingDialog = mountBookingDialog(find(".booking"), store, listing, {
  onBook: bookings.book,
  onClosed: camera.stop,
});
const minimumDialog = mountMinimumDialog(find(".minimum-dialog"), { onSet: bookings.setMinimum });

mountConnection(find(".connection"), find(".connection-detail"), store, { onRetry: stream.retry });
mountOverview(find(".overview"), store, listing, trends);
mountAddForm(addForm, store, { onAdd: actions.add });
mountToolbar(section, store, listing);
const selection = mountSelection(section, store, listing, {
  onDelete: bulkDelete.open,
  onBook: book,
  onMinimum: minimumDialog.open,
});
mountOrderLink(find(".stock-tools-order"), store);
const list = mountStockList(section, store, listing, trends, {
  open: (id) => store.dispatch({ type: "view", opened: id }),
  edit: actions.edit,
  step: actions.step,
  remove: actions.remove,
  reload: snapshot.load,
});
mountItemDrawer(find(".item-drawer"), store, listing, {
  onEdit: actions.edit,
  onStep: actions.step,
  onRestore: actions.restore,
});
mountActivity(find(".activity"), store);
mountNotices(find(".notices"), store, { onAction: (action) => ON_NOTICE[action.kind](action) });
mountShortcuts(find(".shortcuts"), list, {
  defer: listenForScans({ onScan: takeCode }),
  onSearch: () => find(".stock-list-search").focus(),
  onAdd: () => find("#add-name").focus(),
  onBook: () => book(selection.items()),
  onUndo: undo,
});
mountAddressBar(store);

/** Open the dialog that books. The selected items are in it then, and not selected any more. */
function book(items) {
  bookingDialog.open(items);
  store.dispatch({ type: "select", ids: items.map(({ id }) => id), isSelected: false });
}

const OPENERS = {
  book: () => book(selection.items()),
  import: importDialog.open,
  deleted: deleted.open,
  locations: locationsDialog.open,
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
