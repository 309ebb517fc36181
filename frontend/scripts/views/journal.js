/** The journal: every change of a quantity, newest first, with its reason, its note and its person. */

import { getJournal } from "../server/api.js";
import { formatMoment, formatNumber, formatSigned } from "../state/formats.js";
import { text } from "../state/messages.js";
import { reasonLabel, REASONS } from "../state/reasons.js";
import { differenceOf, isRestore, journalQuery, personLabel } from "../state/reports.js";
import { mounted } from "./mounted.js";
import { createItemButton, mountReport } from "./report.js";
import { setText } from "./text.js";

const SETTLE_MS = 400; // after a change, of the stock or of what is asked for, before the journal is loaded

export function mountJournal(container, store, _listing, actions) {
  const report = mountReport(container, store, "journal", actions);
  const { form, rows, part } = report;
  const people = report.view.querySelector("datalist");
  let shownFor = null; // the query that is shown
  let seen = -1; // the position of the stock when it was loaded
  let last = null; // event id of the last shown entry
  let timer;
  const reasons = REASONS.map((reason) => new Option(reasonLabel(reason), reason));
  form.elements.reason.replaceChildren(new Option(text("journal.any_reason"), ""), ...reasons);

  async function load(after = null) {
    const query = shownFor;
    try {
      const { entries, hasMore } = await getJournal(query, after);
      if (query !== shownFor) return;
      const created = entries.map(createEntry);
      if (after === null) rows.replaceChildren(...created);
      else rows.append(...created);
      last = entries.at(-1)?.event_id ?? last;
      part("more").hidden = !hasMore;
      setText(part("said"), rows.childElementCount ? "" : text("journal.none"));
      offerPeople(entries);
    } catch (refusal) {
      if (query === shownFor) setText(part("said"), refusal.message);
    }
  }

  /** Suggest the people that the shown entries name. */
  function offerPeople(entries) {
    const known = new Set([...people.children].map(({ value }) => value));
    for (const { actor } of entries) {
      if (!known.has(actor)) people.append(new Option("", actor));
      known.add(actor);
    }
  }

  function createEntry(entry) {
    const { changed_at: changedAt, after, before, reason, note, actor, operation } = entry;
    const label = reason ? reasonLabel(reason) : "";
    const why = label && note ? text("history.reason", { reason: label, note }) : label || note;
    const now = after ? formatNumber(after.quantity) : text("item.is_deleted");
    const added = isRestore(entry) ? "journal.restored" : "journal.added";
    const change = operation === "INSERT" ? text(added, { quantity: formatSigned(after.quantity) }) : formatSigned(differenceOf(entry));
    return report.createRow([
      formatMoment(changedAt),
      createItemButton({ ...(after ?? before), id: entry.item_id }),
      { text: change, isNumber: true },
      { text: now, isNumber: true },
      why,
      personLabel(actor),
    ]);
  }

  function show(state) {
    report.showFilters(state);
    const query = journalQuery(state.report, state.location).toString();
    part("export").href = `/api/history/export?${query}`;
    if (query !== shownFor) {
      const isFirst = shownFor === null;
      shownFor = query;
      seen = state.stock.reached;
      last = null;
      clearTimeout(timer);
      timer = setTimeout(load, isFirst ? 0 : SETTLE_MS);
    } else if (state.stock.reached !== seen) {
      seen = state.stock.reached;
      clearTimeout(timer);
      timer = setTimeout(load, SETTLE_MS);
    }
  }

  part("more").addEventListener("click", () => load(last));
  return mounted(report.view, store, show, () => clearTimeout(timer));
}
