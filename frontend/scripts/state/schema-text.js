// Describes a JSON Schema in a few words, and a request as a curl command. Pure functions.

const nameOf = (reference) => reference.split("/").pop();

export function resolve(document, part) {
  return part && part.$ref ? reach(document, part.$ref) : part;
}

function reach(document, reference) {
  return reference.slice(2).split("/").reduce((place, step) => place[step], document);
}

// The schema as pieces of text; a model is {model: name}.
export function words(schema) {
  if (schema.$ref) return [{ model: nameOf(schema.$ref) }];
  const choices = schema.anyOf || schema.oneOf;
  if (choices) return choices.flatMap((choice, index) => (index ? [" or ", ...words(choice)] : words(choice)));
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (schema.enum) return [schema.enum.map((value) => JSON.stringify(value)).join(" | ")];
  if (schema.type === "array") return ["array of ", ...words(schema.items || {})];
  if (schema.additionalProperties) return ["object of ", ...words(schema.additionalProperties)];
  return [[schema.type || "anything", ...limits(schema)].join(", ")];
}

function limits(schema) {
  const { minimum: low, maximum: high, minLength: shortest, maxLength: longest } = schema;
  return [
    schema.format,
    low !== undefined && (Number.isSafeInteger(high) ? `${low} to ${high}` : `at least ${low}`),
    longest !== undefined && `${shortest || 0} to ${longest} characters`,
    schema.default !== undefined && `default: ${JSON.stringify(schema.default)}`,
  ].filter(Boolean);
}

const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

export function curl(origin, path, method, operation) {
  const address = path.replace(/{[^}]+}/g, "7");
  const line = ["curl"];
  if (method !== "get" && !(method === "post" && operation.requestBody)) line.push("-X", method.toUpperCase());
  line.push(origin + address);
  for (const [type, content] of Object.entries(operation.requestBody?.content || {})) {
    line.push("-H", quoted(`Content-Type: ${type}`));
    if (type === "application/json") line.push("-d", quoted(JSON.stringify(content.example)));
    else line.push("--data-binary", "@stock.csv");
  }
  return line.join(" ");
}
