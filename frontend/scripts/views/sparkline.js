/** A small chart of the last day. It ends with the current quantity, so that it agrees with its row. */

import { formatNumber } from "../formats.js";
import { stepPath } from "../steps.js";
import { svg } from "./svg.js";

const SIZE = { width: 72, height: 24, padding: 2 };

export function createSparkline(element) {
  const path = svg("path", { class: "sparkline-line" });
  const drawing = svg("svg", { class: "sparkline", viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img" }, path);
  let shown = null;

  /** `trend` is undefined until it is loaded. */
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
  if (first === null) return `New in the last day, ${formatNumber(now)} now`; // the item did not exist a day ago
  if (first === now) return `The same as a day ago`;
  return `In the last day from ${formatNumber(first)} to ${formatNumber(now)}`;
}
