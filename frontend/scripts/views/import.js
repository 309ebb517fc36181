/** The view that imports a file: what its columns are, what each row changes, and corrections in place. */

import { formatNumber, formatPercent } from "../state/formats.js";
import { cellOf, isNumber } from "../state/import-cells.js";
import { TARGETS } from "../state/import-columns.js";
import { writeLeftRows } from "../state/import-csv.js";
import { decimalOf, KINDS, planImport } from "../state/import-plan.js";
import { canTakeNames } from "../state/import.js";
import { areSeveral, editableLocations, locationOfNewItem } from "../state/locations.js";
import { text } from "../state/messages.js";
import { showColumns } from "./import-columns.js";
import { createImportTable } from "./import-table.js";
import { chosenLocation, offerLocations } from "./location-options.js";
import { mounted } from "./mounted.js";
import { saveFile } from "./save-file.js";
import { fromTemplate, setText } from "./text.js";

const PAGE_ROWS = 200; // rows that are shown at first, and more at each press of the button
const PARTS = ["importing", "locations", "location", "session"]; // of the state, that a plan depends on

export function mountImport(container, store, listing, { imports }) {
  const view = fromTemplate("import");
  const part = (name) => view.querySelector(`.import-${name}`);
  const [box, drop, columns, kinds, send] = ["file", "drop", "columns", "kinds", "send"].map(part);
  const [decimal, at] = [view.querySelector("#import-decimal"), view.querySelector("#import-at")];
  const [names, body] = [part("names"), view.querySelector("tbody")];
  const table = createImportTable(view.querySelector("table"));
  const more = view.querySelector(".report-more");
  let plan = null;
  let plannedFor = {}; // the parts of the state that the plan was made for
  let kind = "all"; // which rows are shown
  let held = null; // {of, kind, indexes}: the rows that are shown, which stay there while they are corrected
  let limit = PAGE_ROWS;
  let isAwaited = false; // whether a file was chosen here, and the focus goes to what it has

  container.append(view);
  kinds.append(...["all", ...KINDS].map(createKind));
  decimal.append(...["", ".", ","].map((each) => new Option(text(DECIMALS[each]), each)));
  const tell = (act, values) => store.dispatch({ type: "import", act, ...values });

  // The plan -------------------------------------------------------------------------------------------------------------

  /** Compare the rows with the stock again, if either has changed. While rows are being sent, the plan stays. */
  function update(state) {
    const { items } = listing(state);
    const isSame = items === plannedFor.items && PARTS.every((name) => state[name] === plannedFor[name]);
    const isSent = plan && state.importing.sent && state.importing.rows === plannedFor.importing.rows;
    if (isSame || isSent) return;
    plannedFor = { ...state, items };
    plan = planImport(state.importing, state, items);
  }

  /** The numbers of the rows to show. They stay until the person chooses others, or another file or column. */
  function shownRows({ importing }) {
    const of = [importing.name, importing.rows.length, importing.mapping, importing.decimal, importing.at, importing.isNamed];
    const isSame = held && held.kind === kind && held.of.every((each, n) => each === of[n]);
    if (!isSame) {
      const indexes = plan.rows.filter((row) => kind === "all" || row.kind === kind).map(({ index }) => index);
      held = { of, kind, indexes };
      limit = PAGE_ROWS;
    }
    return held.indexes;
  }

  // Showing --------------------------------------------------------------------------------------------------------------

  function show(state) {
    const { importing } = state;
    const hasFile = importing.columns.length > 0;
    const isLoaded = hasFile && state.locations.all.length > 0; // without its location, no row can be matched
    part("choose").hidden = hasFile || importing.reading !== "";
    part("clear").hidden = !hasFile || importing.isSending;
    part("loaded").hidden = !isLoaded;
    showProgress(importing);
    setText(part("said"), saidOf(importing, hasFile));
    part("said").classList.toggle("is-failure", !hasFile && importing.failure !== "");
    setText(part("failure"), isLoaded ? importing.failure : "");
    if (!isLoaded) return showNothing(importing);
    update(state);
    showColumns(columns, importing);
    showSettings(state);
    showKinds();
    showTable(state);
    showButtons(importing);
    columns.inert = body.inert = importing.sent !== null; // it stays as it was sent
    if (isAwaited) view.querySelector("h2").focus();
    isAwaited = false;
  }

  function showNothing({ reading }) {
    if (reading || !isAwaited) return;
    isAwaited = false;
    box.focus(); // the file was refused
  }

  function showProgress({ progress }) {
    part("progress").hidden = progress === null;
    if (progress === null) return;
    view.querySelector("progress").value = progress;
    setText(part("percent"), progress < 1 ? formatPercent(progress) : text("import.waiting"));
  }

  function saidOf({ name, rows, reading, said, failure }, hasFile) {
    if (reading) return text("import.reading", { file: reading });
    if (!hasFile) return failure;
    return said || text("import.file", { file: name, count: rows.length });
  }

  function showSettings({ importing, locations, location }) {
    names.hidden = !canTakeNames(importing);
    names.firstElementChild.checked = importing.isNamed;
    part("decimal").hidden = importing.written !== null || !hasSeparators(importing);
    if (decimal.value !== importing.decimal) decimal.value = importing.decimal;
    const guess = { ".": text("import.decimal_dot"), ",": text("import.decimal_comma") }[decimalOf({ ...importing, decimal: "" })];
    setText(decimal.options[0], guess ? text("import.decimal_guessed", { example: guess }) : text("import.decimal_guess"));
    part("at").hidden = !areSeveral(locations) || importing.mapping.includes("location");
    offerLocations(at, editableLocations(locations));
    const place = importing.at ?? locationOfNewItem(locations, location);
    if (chosenLocation(at) !== place) at.value = String(place ?? "");
  }

  function showKinds() {
    const { counts, rows } = plan;
    setText(part("summary"), text("import.summary", counts));
    for (const button of kinds.children) {
      const count = button.dataset.kind === "all" ? rows.length : counts[button.dataset.kind];
      setText(button.querySelector("span"), formatNumber(count));
      button.hidden = count === 0 && button.dataset.kind !== "all" && button.dataset.kind !== kind;
      button.ariaPressed = String(button.dataset.kind === kind);
    }
  }

  function showTable(state) {
    const { importing } = state;
    const fields = TARGETS.filter((field) => field !== "version" && importing.mapping.includes(field));
    const indexes = shownRows(state);
    table.draw(importing, plan, indexes.slice(0, limit), fields);
    more.hidden = indexes.length <= limit;
    setText(more, text("import.more", { count: Math.min(limit, indexes.length), all: indexes.length }));
    part("none").hidden = indexes.length > 0;
    setText(part("none"), text("import.none_of_kind"));
  }

  function showButtons({ sent, isSending }) {
    const { counts } = plan;
    const [count, left] = [counts.new + counts.changed, counts.wrong + counts.left];
    const label = left ? text("import.import_and_leave", { count, left }) : text("import.import", { count });
    const isNothing = count === 0 && sent === null;
    setText(send, isSending ? text("import.sending") : sent ? text("import.import_again") : isNothing ? text("import.nothing") : label);
    send.ariaDisabled = isNothing || isSending ? "true" : null;
    part("save").hidden = left === 0;
    setText(part("save"), text("import.save_left", { count: left }));
  }

  // What the person does ---------------------------------------------------------------------------------------------------

  function choose(file) {
    if (!file) return;
    kind = "all";
    held = null;
    isAwaited = true;
    imports.read(file);
  }

  /** Enter leads to the next cell that is wrong, and from the last one to the button. */
  function goOn(input) {
    fix(input);
    show(store.state);
    (table.nextWrong(input.dataset.key) ?? send).focus();
  }

  function fix({ dataset, value }) {
    const [row, column] = dataset.key.split(":").map(Number);
    if ((store.state.importing.rows[row].cells[column] ?? "") !== value) tell("fix", { row, column, value });
  }

  box.addEventListener("change", () => {
    choose(box.files[0]);
    box.value = ""; // so that the same file can be chosen again
  });
  for (const type of ["dragover", "dragleave", "drop"]) {
    view.addEventListener(type, (event) => {
      if (type !== "dragleave") event.preventDefault();
      drop.classList.toggle("is-over", type === "dragover");
      if (type === "drop" && !store.state.importing.isSending) choose(event.dataTransfer.files[0]);
    });
  }
  columns.addEventListener("change", ({ target }) => tell("column", { column: Number(target.dataset.column), field: target.value }));
  names.addEventListener("change", ({ target }) => tell("names", { isNamed: target.checked }));
  decimal.addEventListener("change", () => tell("decimal", { decimal: decimal.value }));
  at.addEventListener("change", () => tell("at", { location: chosenLocation(at) }));
  kinds.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    kind = button.dataset.kind;
    held = null;
    show(store.state);
  });
  body.addEventListener("change", ({ target }) => {
    if (target.matches(".import-cell")) fix(target);
    else if (target.matches(".import-leave")) tell("leave", { row: Number(target.dataset.key.split(":")[0]), isLeft: target.checked });
  });
  body.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches(".import-cell")) return;
    event.preventDefault();
    goOn(event.target);
  });
  more.addEventListener("click", () => {
    limit += PAGE_ROWS;
    show(store.state);
  });
  send.addEventListener("click", () => {
    if (send.ariaDisabled !== "true") imports.send();
  });
  part("save").addEventListener("click", () => saveFile(leftName(store.state.importing), writeLeftRows(store.state.importing, plan.rows)));
  part("clear").addEventListener("click", () => {
    imports.clear();
    show(store.state);
    box.focus();
  });
  return mounted(view, store, show);
}

const DECIMALS = { "": "import.decimal_guess", ".": "import.decimal_dot", ",": "import.decimal_comma" };

function createKind(kind) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "chip" });
  button.dataset.kind = kind;
  button.append(text(`import.kind_${kind}`), " ", document.createElement("span"));
  return button;
}

/** Whether some number could be read in two ways. */
function hasSeparators({ mapping, rows }) {
  const columns = mapping.flatMap((field, column) => (isNumber(field) ? [column] : []));
  return columns.some((column) => rows.some(({ cells }) => /[.,]/.test(cellOf(cells, column))));
}

/** The name of the file with the rows that were left out: "stock left out.csv". */
const leftName = ({ name }) => `${name.replace(/\.[^.]*$/, "")} ${text("import.kind_left").toLowerCase()}.csv`;
