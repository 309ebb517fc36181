/** The total quantity, and its course over the last day. */

import { formatNumber, formatSigned } from "../formats.js";
import { stepPath } from "../steps.js";
import { svg } from "./svg.js";
import { setText } from "./text.js";

const SIZE = { width: 320, height: 56, padding: 3 };

export function mountOverview(section, store, listing, trends) {
  const amount = section.querySelector(".overview-total");
  const change = section.querySelector(".overview-change");
  const path = svg("path", { class: "sparkline-line" });
  const box = { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, preserveAspectRatio: "none", role: "img" };
  const drawing = svg("svg", { class: "overview-chart", ...box }, path);
  let shown = {};

  store.subscribe((state) => {
    const { total, count } = listing(state);
    section.hidden = count === 0;
    if (shown.total === total && shown.trend === trends.total) return;
    shown = { total, trend: trends.total };
    setText(amount, formatNumber(total));
    if (shown.trend) drawTrend(shown);
    else hideTrend();
  });

  function hideTrend() {
    setText(change, "");
    drawing.remove();
  }

  function drawTrend({ total, trend }) {
    const first = trend.find((value) => value !== null) ?? total;
    const text = `${formatSigned(total - first)} in the last day`;
    setText(change, text);
    path.setAttribute("d", stepPath([...trend, total], SIZE));
    drawing.setAttribute("aria-label", `Total stock, from ${formatNumber(first)} to ${formatNumber(total)}: ${text}`);
    if (!drawing.isConnected) section.querySelector(".overview-figure").append(drawing);
  }
}
