/** The board for a screen on the wall: what is out and low, the latest changes, and how old all this is. */

import { getJournal } from "../server/api.js";
import { standing } from "../state/connection.js";
import { formatAgo, formatClock, formatQuantity, formatSigned, formatWhen } from "../state/formats.js";
import { text } from "../state/messages.js";
import { differenceOf, personLabel } from "../state/reports.js";
import { shortagesOf } from "../state/shortages.js";
import { fromTemplate, isolated, setText } from "./text.js";

const SHOWN = 40; // more would not fit on any screen
const SETTLE_MS = 500;
const TICK_MS = 1_000;

export function mountBoard(container, store, listing) {
  const view = fromTemplate("board");
  const age = view.querySelector(".board-age");
  let shownFor = {};
  let entries = [];
  let timer;
  container.append(view);
  document.documentElement.classList.add("has-board");

  async function load() {
    timer = undefined;
    const page = await getJournal("", null, SHOWN).catch(() => null);
    if (page && view.isConnected) entries = page.entries;
    drawLatest();
  }

  function line(name, detail, className = "") {
    const element = document.createElement("li");
    const value = document.createElement("span");
    element.className = className;
    value.textContent = detail;
    element.append(isolated(name), value);
    return element;
  }

  function drawLatest() {
    const lines = entries.map((entry) => {
      const { name } = entry.after ?? entry.before;
      const what = entry.after ? formatSigned(differenceOf(entry)) : text("item.is_deleted");
      return line(name, `${what} · ${personLabel(entry.actor)} · ${formatAgo(entry.changed_at, Date.now() + store.state.clockAhead)}`);
    });
    view.querySelector('[data-list="latest"]').replaceChildren(...lines);
  }

  function drawShortages(state, items) {
    const short = shortagesOf(state, items);
    const lists = { out: short.filter(({ quantity }) => quantity === 0), low: short.filter(({ quantity }) => quantity > 0) };
    for (const [name, found] of Object.entries(lists)) {
      setText(view.querySelector(`[data-board="${name}"]`), String(found.length));
      const lines = found.slice(0, SHOWN).map((item) => line(item.name, amountOf(item)));
      view.querySelector(`[data-list="${name}"]`).replaceChildren(...lines);
    }
  }

  const amountOf = ({ quantity, minimum, unit }) =>
    quantity === 0 ? (typeof minimum === "number" ? text("board.needed", { minimum }) : "") : text("board.of", { quantity: formatQuantity(quantity, unit), minimum });

  function showAge() {
    const { connection, loadedAt, keptAt, today } = store.state;
    const { word } = standing(connection, Date.now());
    const at = keptAt === null ? formatClock(Math.max(connection.heardAt, loadedAt)) : formatWhen(keptAt, today);
    setText(age, text(word === "live" ? "board.live" : "board.as_of", { time: at }));
    age.classList.toggle("is-old", word !== "live");
  }

  function show(state) {
    const { items } = listing(state);
    if (items !== shownFor.items || state.location !== shownFor.location) {
      shownFor = { items, location: state.location };
      drawShortages(state, items);
      timer ??= setTimeout(load, SETTLE_MS);
    }
    showAge();
  }

  const ticking = setInterval(() => {
    showAge();
    drawLatest();
  }, TICK_MS);
  const unsubscribe = store.subscribe(show);
  load();
  show(store.state);

  return {
    focus() {},
    unmount() {
      clearTimeout(timer);
      clearInterval(ticking);
      unsubscribe();
      view.remove();
      document.documentElement.classList.remove("has-board");
    },
  };
}
