/** The sizes of labels and pages, and where things are on a label. All lengths are in millimetres. Pure functions. */

import { text } from "./messages.js";

/**
 * What can be printed on. `page` is the size of a sheet; a label printer has none, since each label is a page. `size` is what
 * a person sees first: common labels (62 × 29; Avery L7160; Avery 5160).
 */
export const PAPERS = {
  label: { page: null, size: { width: 62, height: 29 } },
  a4: { page: { width: 210, height: 297 }, size: { width: 63.5, height: 38.1, columns: 3, rows: 7, left: 7.2, top: 15.1 } },
  letter: {
    page: { width: 215.9, height: 279.4 },
    size: { width: 66.7, height: 25.4, columns: 3, rows: 10, left: 4.7, top: 12.7 },
  },
};
export const DEFAULT_PAPER = "label";
export const MAX_LABELS = 200; // as on the server

/** The least and the largest value, and the unit, of what a person enters. */
const LIMITS = {
  width: [20, 300, "mm"],
  height: [12, 300, "mm"],
  columns: [1, 20],
  rows: [1, 50],
  left: [0, 50, "mm"],
  top: [0, 50, "mm"],
  copies: [1, 20],
};
const ROUNDING = 0.05; // makers of sheets state sizes to a tenth

const MIN_BAR = 0.19; // width of the narrowest bar; below that, scanners fail on what office printers print
const MAX_BAR = 0.5;
const BAR_MARGIN = 10; // modules at each end
const QR_MARGIN = 4; // modules around
const MIN_QR_MODULE = 0.25; // below that, cameras of phones fail
const MIN_QR_BESIDE_BARS = 11; // bars must leave this height to the QR code

/** The number that a person typed. @returns {{value: number} | {error: string}} */
export function readNumber(name, typed) {
  const [least, most, unit] = LIMITS[name];
  const value = typed.trim() === "" ? NaN : Number(typed);
  const isValid = value >= least && value <= most && (unit || Number.isInteger(value));
  if (isValid) return { value };
  return { error: text(unit ? "labels.not_a_number" : "labels.not_a_whole_number", { least, most }) };
}

/** The size that a person entered, as texts by name, and what is wrong with it. */
export function readSize(paper, texts) {
  const size = {};
  const errors = [];
  for (const field of Object.keys(PAPERS[paper].size)) {
    const { value, error } = readNumber(field, String(texts?.[field] ?? ""));
    if (error) errors.push({ field, message: error });
    else size[field] = value;
  }
  const { page } = PAPERS[paper];
  if (errors.length === 0 && page) {
    const isOver = (count, length, margin, whole) => count * length + 2 * margin > whole + ROUNDING;
    const tooMany = (whole) => text("labels.too_many_on_sheet", { length: whole });
    if (isOver(size.columns, size.width, size.left, page.width)) errors.push({ field: "columns", message: tooMany(page.width) });
    if (isOver(size.rows, size.height, size.top, page.height)) errors.push({ field: "rows", message: tooMany(page.height) });
  }
  return { size, errors };
}

/** How many labels a page has. */
export const labelsPerPage = ({ columns = 1, rows = 1 }) => columns * rows;

/** The rules for pages of this size, as CSS. The margins of a sheet are equal, so that the space between labels follows. */
export function pageRules(paper, size) {
  const { width, height, columns = 1, rows = 1, left = 0, top = 0 } = size;
  const page = PAPERS[paper].page ?? { width, height };
  const gap = (whole, margin, count, length) => (count > 1 ? Math.max(0, (whole - 2 * margin - count * length) / (count - 1)) : 0);
  return `
    @page { size: ${page.width}mm ${page.height}mm; margin: 0 }
    .sheet {
      width: ${page.width}mm; height: ${page.height}mm; padding: ${top}mm 0 0 ${left}mm;
      grid-template: repeat(${rows}, ${height}mm) / repeat(${columns}, ${width}mm);
      gap: ${gap(page.height, top, rows, height)}mm ${gap(page.width, left, columns, width)}mm;
    }`;
}

const within = (value, least, most) => Math.min(Math.max(value, least), most);

/**
 * Where things are on a label of this size: the QR code beside the text, or above it if the label is not wide, and the bars
 * below both, if they can be read at this width.
 * @param {{qr: {width: number}, code_128: {width: number} | null}} label with the widths of its symbols in modules
 */
export function arrange(size, label) {
  const padding = within(0.06 * Math.min(size.width, size.height), 1, 3);
  const gap = 0.6 * padding;
  const [width, height] = [size.width - 2 * padding, size.height - 2 * padding];
  const isTall = size.width < 1.2 * size.height;
  const barModules = (label.code_128?.width ?? Infinity) + 2 * BAR_MARGIN;
  const bar = Math.min(width / barModules, MAX_BAR);
  const barHeight = within(0.25 * height, 5, 12);
  const hasBars = bar >= MIN_BAR && height - barHeight - gap >= MIN_QR_BESIDE_BARS;
  const rest = height - (hasBars ? barHeight + gap : 0); // for the QR code and the text
  const qr = isTall ? Math.min(width, 0.55 * rest) : Math.min(rest, 0.45 * width);
  const textArea = isTall ? { width, height: rest - qr } : { width: width - qr - gap, height: rest };
  return {
    isTall,
    padding,
    gap,
    qr: { side: qr, margin: QR_MARGIN, isTooFine: qr / (label.qr.width + 2 * QR_MARGIN) < MIN_QR_MODULE },
    bars: hasBars ? { width: bar * barModules, height: barHeight, margin: BAR_MARGIN } : null,
    font: within(Math.min(textArea.height / 5, textArea.width / 9), 1.8, 7), // four lines, of at least some ten letters
  };
}

/** These entries in groups of a size. */
export const inGroups = (entries, size) =>
  Array.from({ length: Math.ceil(entries.length / size) }, (_, index) => entries.slice(index * size, (index + 1) * size));

/** The ids in the query of the page's address, as `?item=7&item=9`, without those that no item can have. */
export const idsOf = (search) =>
  new URLSearchParams(search)
    .getAll("item")
    .map(Number)
    .filter((id) => Number.isSafeInteger(id) && id > 0);

/** The address of the page with the labels of these items. */
export const labelsAddress = (ids) => `/labels?${ids.map((id) => `item=${id}`).join("&")}`;
