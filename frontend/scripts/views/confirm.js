/** Asks the person to decide: whether to delete these items, or what to save after others have changed an item. */

import { MAX_QUANTITY } from "../state/fields.js";
import { formatNumber } from "../state/formats.js";
import { text } from "../state/messages.js";
import { personLabel } from "../state/reports.js";
import { isolated, setMessage, setText } from "./text.js";

const NAMES_SHOWN = 8;

export function mountConfirm(dialog, store, { onDelete, onEdit }) {
  const [title, detail, list] = ["h2", "p", "ul"].map((name) => dialog.querySelector(name));
  const buttons = dialog.querySelector(".dialog-buttons");
  let shown = null; // the conflict

  /** @param {{label: string, isPrimary?: boolean, isDangerous?: boolean, act?: () => void}[]} choices the first gets the focus */
  function ask(choices) {
    buttons.replaceChildren(
      ...choices.map(({ label, isPrimary, isDangerous, act }) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = `button${isPrimary ? " button-primary" : ""}${isDangerous ? " button-danger" : ""}`;
        button.textContent = label;
        button.addEventListener("click", () => {
          dialog.close();
          act?.();
        });
        return button;
      }),
    );
    if (!dialog.open) dialog.showModal();
    buttons.firstElementChild.focus();
  }

  /** Ask before several items are deleted. A single item is deleted at once, with an undo. */
  function askToDelete(items, hidden = 0) {
    if (items.length === 0) return;
    const count = items.length;
    setText(title, text("delete.title", { count }));
    setText(detail, [hidden ? text("delete.hidden", { count: hidden }) : "", text("delete.hint", { count })].filter(Boolean).join(" "));
    list.replaceChildren(...namesOf(items));
    ask([
      { label: text("delete.keep", { count }) },
      { label: text("delete.confirm", { count }), isDangerous: true, act: () => onDelete(items) },
    ]);
  }

  function namesOf(items) {
    const names = items.slice(0, NAMES_SHOWN).map(({ name }) => isolated(name));
    const left = items.length - names.length;
    return [...names, ...(left ? [text("delete.more", { count: left })] : [])].map((content) => {
      const element = document.createElement("li");
      element.append(content);
      return element;
    });
  }

  function askToResolve(conflict) {
    const { began, current, wanted, actor } = conflict;
    const who = actor ? personLabel(actor) : text("person.somebody");
    setMessage(title, "conflict.title", { name: began.name });
    list.replaceChildren();
    const finish = (values) => () => {
      store.dispatch({ type: "conflict", conflict: null });
      if (values) onEdit(current, values, conflict);
    };
    const choices = "quantity" in wanted ? quantityChoices(conflict, who, finish) : fieldChoices(conflict, who, finish);
    ask([...choices, { label: text("cancel"), act: finish(null) }]);
  }

  function quantityChoices({ began, current, wanted }, actor, finish) {
    const by = current.quantity - began.quantity;
    const key = by < 0 ? "conflict.took" : by > 0 ? "conflict.added" : "conflict.changed";
    setMessage(detail, key, { actor, amount: Math.abs(by), from: began.quantity, to: current.quantity });
    const both = wanted.quantity + by;
    const save = (quantity) => ({
      label: text("conflict.save", { quantity: formatNumber(quantity) }),
      act: finish({ ...wanted, quantity }),
    });
    const isPossible = both !== wanted.quantity && both >= 0 && both <= MAX_QUANTITY;
    return [save(wanted.quantity), ...(isPossible ? [save(both)] : [])];
  }

  function fieldChoices({ began, current, wanted }, actor, finish) {
    const isRenamed = current.name !== began.name;
    setMessage(detail, isRenamed ? "conflict.renamed" : "conflict.changed", { actor, name: current.name, to: current.quantity });
    const label = "name" in wanted ? text("conflict.rename", { name: wanted.name }) : text("conflict.save_anyway");
    return [{ label, act: finish(wanted) }];
  }

  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    if (store.state.conflict && shown === store.state.conflict) store.dispatch({ type: "conflict", conflict: null });
  });

  store.subscribe(({ conflict }) => {
    if (conflict === shown) return;
    shown = conflict;
    if (conflict) askToResolve(conflict);
    else if (dialog.open) dialog.close();
  });

  return { askToDelete };
}
