/** The dialog that adds, renames, moves and deletes locations. Its form adds one, or changes the one that was chosen. */

import { addLocation, changeLocation, deleteLocation } from "../server/api.js";
import { pathOf, scopeOf } from "../state/locations.js";
import { text } from "../state/messages.js";
import { mayManageLocations } from "../state/rights.js";
import { showError, showRefusal } from "./field-input.js";
import { chosenLocation, offerLocations } from "./location-options.js";
import { oneAtATime } from "./one-at-a-time.js";
import { keepFocus } from "./rows.js";
import { fromTemplate, setText } from "./text.js";

/** `reload` loads the locations again. */
export function mountLocationsDialog(dialog, opener, store, { reload }) {
  const part = (name) => dialog.querySelector(`.locations-${name}`);
  const [form, title, save, remove, cancel] = ["form", "form-title", "save", "delete", "cancel"].map(part);
  const [list, said, refused] = ["list", "said", "refused"].map(part);
  const { name, parent } = form.elements;
  const rows = new Map(); // id → row
  let changed = null; // id of the location that the form changes; null: it adds one

  function createRow(id) {
    const element = fromTemplate("location");
    const [path, change] = [element.querySelector(".location-path"), element.querySelector(".location-change")];
    change.addEventListener("click", () => turnTo(id));
    return {
      element,
      change,
      update(shown) {
        setText(path, shown);
        change.setAttribute("aria-label", text("locations.change_path", { path: shown }));
      },
    };
  }

  function showRows({ all, byId }) {
    for (const id of rows.keys()) if (!byId.has(id)) rows.delete(id);
    for (const { id, path } of all) {
      if (!rows.has(id)) rows.set(id, createRow(id));
      rows.get(id).update(path);
    }
    const elements = all.map(({ id }) => rows.get(id).element);
    const isSame = elements.length === list.children.length && elements.every((element, n) => element === list.children[n]);
    if (!isSame) keepFocus(list, () => list.replaceChildren(...elements));
  }

  function showForm(locations) {
    const path = pathOf(locations, changed);
    setText(title, changed === null ? text("locations.add_title") : text("locations.change_path", { path }));
    setText(save, text(changed === null ? "locations.add" : "save"));
    remove.hidden = cancel.hidden = changed === null;
    const own = scopeOf(locations, changed); // it can't lie in itself
    offerLocations(parent, locations.all.filter(({ id }) => !own?.has(id)), text("locations.no_parent"));
  }

  /** Let the form change this location; null: let it add one. */
  function turnTo(id) {
    const { locations } = store.state;
    changed = id;
    form.reset();
    tell("");
    showForm(locations);
    if (id === null) return;
    const { name: current, parent: above } = locations.byId.get(id);
    name.value = current;
    parent.value = String(above ?? "");
    name.focus();
    name.select();
  }

  function tell(sentence, refusal = null) {
    setText(said, sentence);
    setText(refused, "");
    for (const input of [name, parent]) showError(input, null);
    if (!refusal) return;
    showRefusal(form, refusal, refused);
    [name, parent].find(({ ariaInvalid }) => ariaInvalid)?.focus();
  }

  /** Send a change, and show why it was refused. Returns whether it was made. */
  async function send(change) {
    try {
      await change();
      await reload();
      return true;
    } catch (refusal) {
      tell("", refusal);
      return false;
    }
  }

  async function add() {
    const location = { name: name.value.trim(), parent: chosenLocation(parent) };
    name.value = ""; // at once, so that the next one can be typed; but the parent stays
    name.focus();
    if (await send(() => addLocation(location))) tell(text("locations.added", { name: location.name }));
    else if (changed === null && !name.value) name.value = location.name;
  }

  async function change() {
    const id = changed;
    const { name: former, parent: above } = store.state.locations.byId.get(id);
    const values = { name: name.value.trim(), parent: chosenLocation(parent) };
    const wanted = {};
    if (values.name !== former) wanted.name = values.name;
    if (values.parent !== above) wanted.parent = values.parent;
    if (Object.keys(wanted).length > 0 && !(await send(() => changeLocation(id, wanted)))) return;
    turnTo(null);
    tell(text("locations.saved"));
    rows.get(id)?.change.focus();
  }

  async function removeChanged() {
    const id = changed;
    const path = pathOf(store.state.locations, id);
    if (!(await send(() => deleteLocation(id)))) return;
    turnTo(null);
    tell(text("locations.deleted", { path }));
    name.focus();
  }

  async function submit() {
    if (!name.value.trim()) tell("", { errors: [{ field: "name", message: text("locations.name_missing") }] });
    else await (changed === null ? add() : change());
  }

  form.addEventListener("input", ({ target }) => showError(target, null));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    oneAtATime(submit, save, remove);
  });
  remove.addEventListener("click", () => oneAtATime(removeChanged, save, remove));
  cancel.addEventListener("click", () => {
    const row = rows.get(changed);
    turnTo(null);
    (row?.change ?? name).focus();
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest(".dialog-close")) dialog.close();
  });

  function show({ session, locations }) {
    opener.hidden = !mayManageLocations(session);
    if (!dialog.open) return;
    if (opener.hidden) return dialog.close();
    showRows(locations);
    if (changed !== null && !locations.byId.has(changed)) turnTo(null);
    else showForm(locations);
  }

  store.subscribe(show);

  return {
    open() {
      tell("");
      dialog.showModal();
      show(store.state);
      reload();
    },
  };
}
