/**
 * A chart of the quantity over time, as a step line. Changes have a dot, deletions a cross, and the axes have numbers, so
 * that nothing depends on colour.
 */

import { formatDay, formatNumber, formatShortMoment } from "../state/formats.js";
import { text } from "../state/messages.js";
import { dayTicks, ticks } from "../state/steps.js";
import { svg } from "./svg.js";

const HEIGHT = 190;
const SIDE = { top: 12, right: 14, bottom: 26, left: 54 };
const DAY_WIDTH = 90; // pixels for the name of a day
const MAX_DOTS = 60; // more dots would overlap

export function createStepChart(element) {
  const drawing = svg("svg", { class: "step-chart", role: "img", height: HEIGHT });
  element.append(drawing);

  /**
   * @param {{at: number, quantity: number | null}[]} points oldest first, not empty; `now` ends the line
   * @param {number | null} minimum drawn as a line
   */
  function update(points, now, minimum) {
    const width = Math.max(240, element.clientWidth);
    const to = frame(points, now, width, minimum);
    drawing.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    drawing.setAttribute("aria-label", describe(points));
    drawing.replaceChildren(...axes(points, now, to), ...limit(minimum, to), line(points, now, to), ...marks(points, to));
  }

  return { update };
}

/** Scales that convert times and quantities to coordinates. */
function frame(points, now, width, minimum) {
  const most = Math.max(range(points)[1], minimum ?? 0);
  const levels = ticks(0, most);
  const top = levels.at(-1);
  const start = points[0].at;
  const span = Math.max(1, now - start);
  const inner = { width: width - SIDE.left - SIDE.right, height: HEIGHT - SIDE.top - SIDE.bottom };
  return {
    levels,
    width,
    x: (at) => SIDE.left + ((at - start) / span) * inner.width,
    y: (quantity) => SIDE.top + (1 - quantity / top) * inner.height,
  };
}

function range(points) {
  const quantities = points.map(({ quantity }) => quantity ?? 0);
  return [Math.min(...quantities), Math.max(...quantities)];
}

function axes(points, now, { levels, width, x, y }) {
  const lines = levels.flatMap((level) => [
    svg("line", { class: "step-chart-grid", x1: SIDE.left, x2: width - SIDE.right, y1: y(level), y2: y(level) }),
    svg("text", { x: SIDE.left - 8, y: y(level) + 4, "text-anchor": "end" }, formatNumber(level)),
  ]);
  const days = dayTicks(points[0].at, now, Math.floor(width / DAY_WIDTH));
  const marks = days.flatMap((day) => [
    svg("line", { class: "step-chart-grid", x1: x(day), x2: x(day), y1: HEIGHT - SIDE.bottom, y2: HEIGHT - SIDE.bottom + 4 }),
    svg("text", { x: x(day), y: HEIGHT - 6, "text-anchor": "middle" }, formatDay(day)),
  ]);
  const start = days.length ? [] : [svg("text", { x: x(points[0].at), y: HEIGHT - 6 }, formatShortMoment(points[0].at))];
  const end = svg("text", { x: x(now), y: HEIGHT - 6, "text-anchor": "end" }, text("past.now"));
  return [...lines, ...marks, ...start, end];
}

/** The minimum, below which the item is low. */
function limit(minimum, { width, y }) {
  if (minimum === null) return [];
  return [svg("line", { class: "step-chart-limit", x1: SIDE.left, x2: width - SIDE.right, y1: y(minimum), y2: y(minimum) })];
}

function line(points, now, { x, y }) {
  let path = "";
  points.forEach(({ at, quantity }, index) => {
    if (quantity === null) return;
    const isStart = index === 0 || points[index - 1].quantity === null;
    const end = points[index + 1]?.at ?? now;
    path += `${isStart ? `M${x(at)} ${y(quantity)}` : `V${y(quantity)}`}H${x(end)}`;
  });
  return svg("path", { class: "step-chart-line", d: path });
}

function marks(points, { x, y }) {
  return points.slice(-MAX_DOTS).map(({ at, quantity }, index, shown) => {
    if (quantity !== null) return svg("circle", { class: "step-chart-mark", cx: x(at), cy: y(quantity), r: 3.5 });
    const [left, level] = [x(at), y(shown[index - 1]?.quantity ?? 0)];
    return svg("path", { class: "step-chart-end", d: `M${left - 5} ${level - 5}l10 10m0 -10l-10 10` });
  });
}

function describe(points) {
  const [first, last] = [points[0], points.at(-1)];
  const [least, most] = range(points);
  const values = { first: first.quantity ?? 0, last: last.quantity, least, most };
  return text(last.quantity === null ? "chart.deleted" : "chart.quantity", values);
}
