/** The tokens of all accounts. The secret of a new one is shown once. */

import { addToken, getTokens, revokeToken } from "../server/accounts-api.js";
import { formatMoment } from "../state/formats.js";
import { text } from "../state/messages.js";
import { showError, showRefusal } from "./field-input.js";
import { oneAtATime } from "./one-at-a-time.js";
import { fromTemplate, setText } from "./text.js";

export function mountTokens(section, dialog, { onChanged }) {
  const list = section.querySelector(".tokens-list");
  const form = section.querySelector(".tokens-add");
  const button = form.querySelector('[type="submit"]');
  const said = section.querySelector(".tokens-said");
  const secret = dialog.querySelector(".new-token-secret");
  let names = new Map(); // id → name of the account
  let tokens = [];

  async function load() {
    tokens = await getTokens();
    draw();
  }

  const draw = () => list.replaceChildren(...tokens.map(createRow));

  function createRow(token) {
    const row = fromTemplate("token");
    const revoke = row.querySelector(".token-revoke");
    setText(row.querySelector(".token-name bdi"), token.name);
    setText(row.querySelector(".token-facts"), factsOf(token));
    revoke.setAttribute("aria-label", text("tokens.revoke_of", { name: token.name }));
    revoke.addEventListener("click", async () => {
      try {
        await revokeToken(token.id);
        await load();
        onChanged();
      } catch (refusal) {
        setText(said, refusal.message);
      }
    });
    return row;
  }

  function factsOf({ account, speaks_for_others, expires_at, used_at }) {
    const facts = [names.has(account) ? text("tokens.of", { account: names.get(account) }) : text("tokens.of_some_account")];
    facts.push(used_at ? text("tokens.last_used", { time: formatMoment(used_at) }) : text("tokens.never_used"));
    if (expires_at) facts.push(text("tokens.expires", { time: formatMoment(expires_at) }));
    if (speaks_for_others) facts.push(text("tokens.speaks_for_others"));
    return facts.join(", ");
  }

  async function add() {
    const { account, name, expires_at, speaks_for_others } = form.elements;
    const token = { account: Number(account.value), name: name.value, speaks_for_others: speaks_for_others.checked };
    if (expires_at.value) token.expires_at = new Date(`${expires_at.value}T23:59:59`).toISOString();
    setText(said, "");
    try {
      const created = await addToken(token);
      form.reset();
      secret.textContent = created.token;
      dialog.showModal();
      await load();
      onChanged();
    } catch (refusal) {
      showRefusal(form, refusal, said);
    }
  }

  form.addEventListener("input", ({ target }) => target.matches("input:not([type=checkbox])") && showError(target, null));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    oneAtATime(add, button);
  });
  dialog.querySelector(".new-token-copy").addEventListener("click", () => navigator.clipboard?.writeText(secret.textContent));
  dialog.addEventListener("click", ({ target }) => target.closest(".dialog-close") && dialog.close());
  dialog.addEventListener("close", () => (secret.textContent = ""));

  return {
    load,
    /** Offer these accounts in the form. */
    offer(accounts) {
      names = new Map(accounts.map(({ id, name }) => [id, name]));
      const chosen = form.elements.account.value;
      form.elements.account.replaceChildren(...accounts.map(({ id, name }) => new Option(name, id)));
      if (chosen) form.elements.account.value = chosen;
      draw();
    },
  };
}
