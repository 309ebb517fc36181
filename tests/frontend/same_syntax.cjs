/** Exits with 1 if the scripts of a pair differ in their syntax trees: node --expose-internals same_syntax.cjs a b c d … */

const { readFileSync } = require("node:fs");
const { parse } = require("internal/deps/acorn/acorn/dist/acorn"); // the parser that Node.js has for itself

const withoutPlaces = (key, value) => (key === "start" || key === "end" ? undefined : value);
const treeOf = (path) => JSON.stringify(parse(readFileSync(path, "utf8"), { ecmaVersion: "latest", sourceType: "module" }), withoutPlaces);

const paths = process.argv.slice(2);
for (let index = 0; index < paths.length; index += 2) {
  if (treeOf(paths[index]) === treeOf(paths[index + 1])) continue;
  console.log(`${paths[index]} differs from ${paths[index + 1]}`);
  process.exitCode = 1;
}
