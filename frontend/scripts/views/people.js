/** The accounts: their roles, and whether they are active. Each change is saved at once. */

import { addAccount, changeAccount, endSessions, getAccounts } from "../accounts-api.js";
import { roleOf } from "../rights.js";
import { showError, showRefusal } from "./field-input.js";
import { setText } from "./text.js";

const everywhere = (role) => (role ? [{ location: null, role }] : []);

/** `onLoaded` takes the accounts, `onChanged` is called after each change. */
export function mountPeople(section, passwordDialog, { hasPasswords, onLoaded, onChanged }) {
  const list = section.querySelector(".people-list");
  const form = section.querySelector(".people-add");
  const said = section.querySelector(".people-said");
  const passwordForm = passwordDialog.querySelector("form");
  let rows = new Map(); // id → row
  let chosen = null; // the account whose password is set

  async function load() {
    const accounts = await getAccounts();
    const former = rows;
    rows = new Map(accounts.map((account) => [account.id, former.get(account.id) ?? createRow(account.id)]));
    for (const account of accounts) rows.get(account.id).update(account);
    list.replaceChildren(...[...rows.values()].map(({ element }) => element));
    onLoaded(accounts);
  }

  function createRow(id) {
    const element = document.getElementById("person").content.cloneNode(true).firstElementChild;
    const part = (name) => element.querySelector(`.person-${name}`);
    const active = part("active").querySelector("input");
    let account = null;

    function update(next) {
      account = next;
      setText(part("name").querySelector("bdi"), account.name);
      setText(part("kind"), account.kind === "service" ? "Service" : "");
      part("role").value = roleOf({ auth: "login", grants: account.grants }) ?? "";
      part("role").setAttribute("aria-label", `Role of ${account.name}`);
      active.checked = account.active;
      active.setAttribute("aria-label", `${account.name} is active`);
      part("password").hidden = !hasPasswords || account.kind === "service";
      part("sign-out").hidden = !hasPasswords;
      part("password").setAttribute("aria-label", `Set the password of ${account.name}`);
      part("sign-out").setAttribute("aria-label", `Sign ${account.name} out everywhere`);
    }

    async function save(change, done = "") {
      setText(part("said"), "");
      try {
        update(await changeAccount(id, change));
        setText(part("said"), done);
        onChanged();
      } catch (refusal) {
        update(account); // as it was
        setText(part("said"), refusal.message);
      }
    }

    part("role").addEventListener("change", ({ target }) => save({ grants: everywhere(target.value) }));
    active.addEventListener("change", ({ target }) => save({ active: target.checked }));
    part("password").addEventListener("click", () => openPassword({ name: account.name, save }));
    part("sign-out").addEventListener("click", async () => {
      try {
        await endSessions(id);
        setText(part("said"), "Signed out everywhere.");
        onChanged();
      } catch (refusal) {
        setText(part("said"), refusal.message);
      }
    });
    return { element, update };
  }

  function openPassword(account) {
    chosen = account;
    passwordForm.reset();
    showError(passwordForm.elements.password, null);
    setText(passwordDialog.querySelector(".new-password-name"), account.name);
    passwordDialog.showModal();
  }

  async function add() {
    const { name, kind, password, role } = form.elements;
    const account = { name: name.value, kind: kind.value, grants: everywhere(role.value) };
    if (hasPasswords && kind.value === "user") account.password = password.value;
    setText(said, "");
    try {
      await addAccount(account);
      form.reset();
      showPassword();
      await load();
      onChanged();
      name.focus();
    } catch (refusal) {
      showRefusal(form, refusal, said);
    }
  }

  function showPassword() {
    section.querySelector(".people-password").hidden = !hasPasswords || form.elements.kind.value === "service";
  }

  showPassword();
  form.elements.kind.addEventListener("change", showPassword);
  form.addEventListener("input", ({ target }) => target.matches("input") && showError(target, null));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    add();
  });
  passwordForm.addEventListener("submit", (event) => {
    event.preventDefault();
    const { password } = passwordForm.elements;
    if (password.value.length < 10) return showError(password, "must have at least 10 characters");
    passwordDialog.close();
    chosen.save({ password: password.value }, "The password was set.");
  });
  passwordDialog.addEventListener("click", ({ target }) => target.closest(".dialog-close") && passwordDialog.close());

  return { load };
}
