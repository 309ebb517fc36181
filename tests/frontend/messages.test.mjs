import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { afterEach, test } from "node:test";

import { languageTag, partsOf, setMessages, text } from "../../frontend/scripts/state/messages.js";

const MESSAGES = new URL("../../frontend/messages/", import.meta.url);
const FRONTEND = new URL("../../frontend/", import.meta.url);
const catalogues = Object.fromEntries(
  readdirSync(MESSAGES).map((name) => [name.replace(".json", ""), JSON.parse(readFileSync(new URL(name, MESSAGES), "utf8"))]),
);
const english = catalogues.en;
const sources = readdirSync(FRONTEND, { recursive: true })
  .filter((name) => /\.(js|html|webmanifest)$/.test(name))
  .map((name) => readFileSync(new URL(name, FRONTEND), "utf8"))
  .concat(readFileSync(new URL("../../api_service/http/languages.py", import.meta.url), "utf8"));

afterEach(() => setMessages("en", {}));

test("values are put into a message, numbers as people write them", () => {
  setMessages("en", { a: "{name}: took {amount}, {quantity} left" });
  assert.equal(text("a", { name: "Bolts", amount: 20, quantity: 12_345 }), "Bolts: took 20, 12,345 left");
  assert.deepEqual(partsOf("a", { name: "{amount}", amount: 1 })[1], { name: "name", value: "{amount}" });
});

test("the plural form is that of the language", () => {
  const form = { one: "one", few: "few", many: "many", other: "other" };
  setMessages("pl", { n: form });
  assert.deepEqual([1, 2, 5, 22].map((count) => text("n", { count })), ["one", "few", "many", "few"]);
  setMessages("en", { n: { one: "one", other: "other" } });
  assert.deepEqual([0, 1, 2].map((count) => text("n", { count })), ["other", "one", "other"]);
});

test("numbers are written as where the reader is, if that speaks the language of the page", () => {
  setMessages("de", {}, ["en-GB", "de-CH", "de"]);
  assert.equal(languageTag(), "de-CH");
  setMessages("de", {}, ["en-GB"]);
  assert.equal(languageTag(), "de");
});

test("a message that does not exist is an error", () => {
  assert.throws(() => text("none"), TypeError);
});

for (const [language, messages] of Object.entries(catalogues)) {
  test(`the catalogue ${language} has every message, with its values and the plural forms of the language`, () => {
    assert.deepEqual(Object.keys(messages), Object.keys(english).sort());
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.sort();
    for (const [key, message] of Object.entries(messages)) {
      if (typeof message === "object") assert.deepEqual(Object.keys(message).filter((form) => form[0] !== "=").sort(), forms, key);
      assert.deepEqual(valuesOf(message), valuesOf(english[key]), key);
    }
  });
}

/** The values that a message has in its general form. */
const valuesOf = (message) => [...new Set((message.other ?? message).match(/\{\w+\}/g))].sort();

test("every key in the scripts is a message, and every message is used", () => {
  const all = sources.join("\n");
  const keys = Object.keys(english);
  const called = [...all.matchAll(/(?:text|setMessage\([^,()]+(?:\([^)]*\))?,|message:|label:)\(? ?"([a-z_]+(?:\.[a-z_]+)*)"/g)].map(([, key]) => key);
  assert.ok(called.length > 30);
  for (const key of called) assert.ok(key in english, key);
  for (const key of keys) {
    const isMade = key.includes(".maybe_") && all.includes(`"${key.replace(".maybe_", ".not_")}"`);
    const stem = key.slice(0, key.lastIndexOf("_") + 1) || key.slice(0, key.lastIndexOf(".") + 1);
    const isTemplate = all.includes(`\`${stem}\${`) || all.includes(`\`${key.slice(0, key.lastIndexOf(".") + 1)}\${`);
    assert.ok(all.includes(`"${key}"`) || isMade || isTemplate, `${key} is not used`);
  }
});
