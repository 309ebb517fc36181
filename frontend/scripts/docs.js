// The documentation page, made from openapi.json and asyncapi.json.

import { curl, resolve, words } from "./state/schema-text.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  const { className, ...attributes } = properties;
  if (className) made.className = className;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== ""));
  return made;
}

// Text with `code` in backticks.
const prose = (text = "") =>
  text.split("`").map((piece, index) => (index % 2 ? element("code", {}, piece) : piece));

const paragraphs = (text = "") =>
  text.split("\n\n").filter(Boolean).map((paragraph) => element("p", {}, prose(paragraph)));

const modelLink = (name) => element("a", { href: `#model-${name}` }, name);

const typeOf = (schema) => words(schema).map((word) => (word.model ? modelLink(word.model) : word));

// A description and examples.
const meaning = (description, { examples = [] }) => [
  prose(description),
  examples.map((shown, index) => [index ? ", " : description ? "; as in " : "as in ", element("code", {}, String(shown))]),
];

function table(caption, heads, rows) {
  const cells = (tag, row) => row.map((cell) => element(tag, tag === "th" ? { scope: "col" } : {}, cell));
  return element(
    "div",
    { className: "docs-table", tabindex: "0", role: "group", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, cells("th", heads))),
      element("tbody", {}, rows.map((row) => element("tr", {}, cells("td", row)))),
    ),
  );
}

function parameters(list) {
  if (!list.length) return "";
  const rows = list.map(({ name, in: place, schema, description }) => [
    [element("code", {}, name)],
    [place],
    [element("span", { className: "docs-type" }, typeOf(schema))],
    meaning(description || schema.description, schema),
  ]);
  return table("Parameters", ["name", "in", "type", "description"], rows);
}

function example(value, label) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return element("pre", { tabindex: "0", role: "group", "aria-label": label }, element("code", {}, text));
}

function contents(content, label) {
  return Object.entries(content || {}).flatMap(([type, { schema, example: shown }]) => [
    element("p", { className: "docs-type" }, `${type}: `, typeOf(schema)),
    shown === undefined ? "" : example(shown, label),
  ]);
}

function headersOf(response) {
  const rows = Object.entries(response.headers || {}).map(([name, { description, schema }]) => [
    [element("code", {}, name)],
    prose(description),
    [(schema.examples || []).slice(0, 1).map((shown) => element("code", {}, String(shown)))],
  ]);
  return rows.length ? table("Headers", ["name", "description", "example"], rows) : "";
}

function responses(api, list) {
  return Object.entries(list).map(([status, given]) => {
    const response = resolve(api, given);
    const properties = { className: "docs-response", "data-kind": status[0] };
    if (status[0] === "2") properties.open = "";
    return element(
      "details",
      properties,
      element("summary", {}, element("strong", {}, status), " ", prose(response.description)),
      headersOf(response),
      contents(response.content, `Example of an answer with status ${status}`),
    );
  });
}

function command(line) {
  const button = element("button", { type: "button", className: "button button-small" }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(line);
    document.getElementById("copied").textContent = "Copied";
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  const code = element("pre", { tabindex: "0", role: "group", "aria-label": "curl command" }, element("code", {}, line));
  return element("div", { className: "docs-command" }, code, button);
}

function operation(api, path, method, described) {
  const body = described.requestBody;
  return element(
    "section",
    { className: "docs-operation", id: described.operationId, "aria-labelledby": `title-${described.operationId}` },
    element(
      "h3",
      { id: `title-${described.operationId}` },
      element("span", { className: "docs-method", "data-method": method }, method.toUpperCase()),
      element("code", {}, path),
    ),
    element("p", { className: "docs-summary" }, prose(described.summary)),
    paragraphs(described.description),
    command(curl(location.origin, path, method, described)),
    parameters(described.parameters),
    body ? [element("h4", {}, "Body"), contents(body.content, "Example of a body")] : "",
    element("h4", {}, "Answers"),
    responses(api, described.responses),
  );
}

function tagged(api, tag) {
  const all = Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]?.tags.includes(tag)).map((method) => ({ path, method, described: item[method] })),
  );
  return all.map((found) => ({
    id: found.described.operationId,
    label: found.described.summary.split(/[.:;,]/)[0],
    section: operation(api, found.path, found.method, found.described),
  }));
}

function model(name, schema) {
  const rows = Object.entries(schema.properties || {}).map(([field, described]) => [
    [element("code", {}, field), (schema.required || []).includes(field) ? "" : " (optional)"],
    [element("span", { className: "docs-type" }, typeOf(described))],
    prose(described.description),
  ]);
  return {
    id: `model-${name}`,
    label: name,
    section: element(
      "section",
      { className: "docs-operation", id: `model-${name}` },
      element("h3", {}, name),
      paragraphs(schema.description),
      table(`Fields of ${name}`, ["field", "type", "description"], rows),
    ),
  };
}

function message(stream, name, described) {
  const payload = resolve(stream, described.payload);
  const shown = payload.type === "array" ? [resolve(stream, payload.items).examples[0]] : payload.examples[0];
  const fields = Object.keys(described.headers.properties).includes("id") ? "id: 3f9c01ab-1042\n" : "";
  return {
    id: `event-${name}`,
    label: name,
    section: element(
      "section",
      { className: "docs-operation", id: `event-${name}` },
      element("h3", {}, element("code", {}, `event: ${name}`)),
      element("p", {}, prose(described.title), "."),
      element("p", { className: "docs-type" }, "data: ", typeOf(described.payload)),
      example(`${fields}event: ${name}\ndata: ${JSON.stringify(shown)}`, `A frame: ${name}`),
    ),
  };
}

function chapter(id, title, introduction, entries) {
  document.querySelector(".docs-contents").append(
    element("h2", {}, element("a", { href: `#${id}` }, title)),
    element("ul", {}, entries.map((entry) => element("li", {}, element("a", { href: `#${entry.id}` }, entry.label)))),
  );
  document.querySelector("main").append(
    element("section", { id, className: "docs-chapter" }, element("h2", {}, title), introduction),
    ...entries.map((entry) => entry.section),
  );
}

async function read(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.json();
}

async function show() {
  const events = document.querySelector('meta[name="events-url"]').content;
  const asyncapi = new URL("/asyncapi.json", new URL(events, location.href)).href;
  document.querySelector(".docs-asyncapi").href = asyncapi;
  const [api, stream] = await Promise.all([read("/openapi.json"), read(asyncapi).catch(() => null)]);
  document.querySelector(".docs-status").replaceWith(...paragraphs(api.info.description));
  for (const { name, description } of api.tags) {
    chapter(`tag-${name.replaceAll(" ", "-")}`, name, paragraphs(`${description}.`), tagged(api, name));
  }
  const named = { ...stream?.components.schemas, ...api.components.schemas };
  if (stream) {
    const introduction = [paragraphs(stream.info.description), command(`curl -N ${new URL(events, location.href).href}?snapshot=1`)];
    introduction.push(parameters(streamParameters(stream)));
    const messages = Object.entries(stream.components.messages);
    chapter("events", "Events", introduction.flat(), messages.map(([name, described]) => message(stream, name, described)));
  }
  chapter("models", "Models", [], Object.entries(named).map(([name, schema]) => model(name, schema)));
  document.querySelector("main").setAttribute("aria-busy", "false");
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

function streamParameters(stream) {
  const { properties } = stream.operations.sendEvents.bindings.http.query;
  return Object.entries(properties).map(([name, schema]) => ({ name, in: "query", schema }));
}

show().catch((error) => {
  document.querySelector(".docs-status").textContent = `The description can't be shown (${error.message}).`;
});
