/** A small line of the last day. The last step is what the item has now, so that it never contradicts its row. */

import { formatNumber } from "../formats.js";
import { stepPath } from "../steps.js";
import { svg } from "./svg.js";

const SIZE = { width: 72, height: 24, padding: 2 };

export function createSparkline(element) {
  const path = svg("path", { class: "sparkline-line" });
  const drawing = svg("svg", { class: "sparkline", viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img" }, path);
  let shown = null;

  /** `trend` is undefined while it is not known. */
  function update(trend, now) {
    if (trend === shown?.trend && now === shown?.now) return;
    shown = { trend, now };
    if (!trend) return drawing.remove();
    path.setAttribute("d", stepPath([...trend, now], SIZE));
    drawing.setAttribute("aria-label", describe(trend, now));
    element.append(drawing);
  }

  return { update };
}

function describe([first], now) {
  if (first === null) return `New in the last day, ${formatNumber(now)} now`; // there was no such item a day ago
  if (first === now) return `The same as a day ago`;
  return `In the last day from ${formatNumber(first)} to ${formatNumber(now)}`;
}
