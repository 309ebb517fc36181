/** A label: location, name and code as text, the QR code, and the bars if they fit. */

import { text } from "../state/messages.js";
import { svg } from "./svg.js";

/** @param {string | null} path of the location; null: it is not shown @param layout from arrange() */
export function createLabel(label, path, layout) {
  const element = create("article", `label${layout.isTall ? " label-tall" : ""}`);
  element.setAttribute("aria-label", label.name);
  const lengths = { padding: layout.padding, gap: layout.gap, font: layout.font };
  for (const [name, length] of Object.entries(lengths)) element.style.setProperty(`--label-${name}`, `${length}mm`);
  const lines = create("div", "label-text");
  if (path !== null) lines.append(createLine("label-location", path));
  lines.append(createName(label.name));
  if (label.code !== null) lines.append(createLine("label-code", label.code));
  const main = create("div", "label-main");
  const qrText = label.code === null ? text("label.qr_of_address") : text("label.qr", { code: label.code });
  main.append(createQr(label.qr, layout.qr, qrText), lines);
  element.append(main);
  if (layout.bars) element.append(createBars(label.code_128, layout.bars, text("label.bars", { code: label.code })));
  return element;
}

function create(name, className) {
  const element = document.createElement(name);
  element.className = className;
  return element;
}

function createName(name) {
  const element = create("p", "label-name");
  element.dir = "auto";
  element.textContent = name;
  return element;
}

/** A line whose text keeps its own direction. */
function createLine(className, value) {
  const line = create("p", className);
  const content = document.createElement("bdi");
  content.textContent = value;
  line.append(content);
  return line;
}

function createQr({ width, path }, { side, margin }, description) {
  const whole = width + 2 * margin;
  return svg(
    "svg",
    {
      class: "label-qr",
      role: "img",
      "aria-label": description,
      width: `${side}mm`,
      height: `${side}mm`,
      viewBox: `${-margin} ${-margin} ${whole} ${whole}`,
    },
    svg("path", { d: path }),
  );
}

function createBars(code, { width, height, margin }, description) {
  return svg(
    "svg",
    {
      class: "label-bars",
      role: "img",
      "aria-label": description,
      width: `${width}mm`,
      height: `${height}mm`,
      viewBox: `${-margin} 0 ${code.width + 2 * margin} 1`,
      preserveAspectRatio: "none",
    },
    svg("path", { d: code.path }),
  );
}
