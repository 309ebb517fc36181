/** The dialog with the person's name, and with what is needed less often: import, export, deleted items, locations. */

import { getActor, setActor } from "../server/actor.js";
import { formatAddress } from "../state/address.js";
import { text } from "../state/messages.js";
import { DEFAULT_SORT } from "../state/order.js";
import { queryOf } from "../state/search.js";
import { DEFAULT_VIEW } from "../state/views.js";
import { setText } from "./text.js";

export function mountMenu(dialog, opener, store, listing) {
  const actor = dialog.querySelector("#actor");
  const person = opener.querySelector(".person-name");
  const [found, all] = [dialog.querySelector(".menu-export-found"), dialog.querySelector(".menu-export")];
  dialog.querySelector(".actor").hidden = store.state.session.auth !== "open"; // with accounts, the log has the account's name

  actor.value = getActor();
  actor.addEventListener("change", () => {
    setActor(actor.value);
    showName(store.state);
  });
  const close = ({ target }) => {
    if (target === dialog || target.closest(".dialog-close, .menu-link")) dialog.close();
  };
  dialog.addEventListener("click", close, true); // before another dialog opens, which then gives the focus to `opener`

  function showName({ session }) {
    setText(person, session.principal?.name ?? (getActor() || text("person.unknown")));
  }

  function showExports(state) {
    const { counts, count } = listing(state);
    const isNarrowed = (queryOf(state.query) !== "" || state.location !== null || state.filter === "low") && !["out", "today"].includes(state.filter);
    const number = state.filter === "low" ? counts.low : counts.all;
    const filters = formatAddress({ ...state, view: DEFAULT_VIEW, sort: DEFAULT_SORT, opened: null }).replace("show=low", "low=1").replace("?", "&");
    found.parentElement.hidden = found.hidden = !isNarrowed;
    setText(found, text("export.found", { count: number }));
    found.href = `/api/inventories/export?bom=1${filters}`;
    setText(all, text("export.all", { count }));
    all.href = "/api/inventories/export?bom=1";
  }

  store.subscribe((state) => {
    showName(state);
    if (dialog.open) showExports(state);
  });

  return {
    open() {
      showExports(store.state);
      dialog.showModal();
    },
  };
}
