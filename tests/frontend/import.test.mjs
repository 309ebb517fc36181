import "./english.mjs";

import assert from "node:assert/strict";
import { test } from "node:test";

import { writeImport, writeLeftRows } from "../../frontend/scripts/state/import-csv.js";
import { guessColumns } from "../../frontend/scripts/state/import-columns.js";
import { planImport } from "../../frontend/scripts/state/import-plan.js";
import { NO_IMPORT, reduceImport } from "../../frontend/scripts/state/import.js";
import { applyLocations, NO_LOCATIONS } from "../../frontend/scripts/state/locations.js";
import { guessDecimal, readDecimal } from "../../frontend/scripts/state/numbers.js";
import { INITIAL_STATE } from "../../frontend/scripts/state/state.js";

const MAIN = { id: 1, name: "Main", parent: null, path: "Main", editable: true };
const VAN = { id: 2, name: "Van", parent: null, path: "Van", editable: true };
const SHELF = { id: 3, name: "Shelf", parent: 1, path: "Main/Shelf", editable: false };

const stateWith = (...locations) => ({ ...INITIAL_STATE, locations: applyLocations(NO_LOCATIONS, locations) });
const STATE = stateWith(MAIN, VAN, SHELF);
const item = (id, name, quantity, more = {}) => ({ id, name, quantity, code: null, unit: null, minimum: null, note: null, location: 1, version: id * 10, ...more });
const stock = (...items) => new Map(items.map((each) => [each.id, each]));

const BOLT = item(7, "M4 bolt", 12, { code: "B4" });
const NUT = item(8, "Nut", 5);

/** A file with these lines, of which the first has the names of the columns. */
function load(lines, decimal = null) {
  const [columns, ...rows] = lines.map((line) => line.split(";"));
  return reduceImport(NO_IMPORT, { act: "table", name: "stock.csv", table: { columns, rows, first_line: 2, decimal } });
}

const plan = (lines, items = stock(BOLT, NUT), state = STATE) => planImport(load(lines), state, items);
const kinds = (...given) => plan(...given).rows.map(({ kind }) => kind);
const faults = (...given) => plan(...given).rows.flatMap(({ line, faults }) => faults.map(({ field, message }) => `${line} ${field}: ${message}`));
const act = (importing, name, values) => reduceImport(importing, { act: name, ...values });

test("columns are guessed from their names in several languages and spellings", () => {
  const cases = {
    "name;quantity": "name;quantity",
    "Qty;Item": "quantity;name",
    "Art.-Nr.;Bezeichnung;Bestand;ME;Mindestbestand;Lagerort;Bemerkung": "code;name;quantity;unit;minimum;location;note",
    "ARTIKELNR;Artikel;Menge (Stk.);Preis pro Stück": "code;name;quantity;",
    "Référence;Désignation;Qté;Emplacement": "code;name;quantity;location",
    "Código;Descripción;Cantidad;Ubicación": "code;name;quantity;location",
    "Codice;Descrizione;Giacenza;U.M.": "code;name;quantity;unit",
    "Artikelnummer;Omschrijving;Voorraad": "code;name;quantity",
    "Código;Descrição;Quantidade;Unidade": "code;name;quantity;unit",
    "Kod;Nazwa;Ilość;J.m.;Magazyn": "code;name;quantity;unit;location",
    "EAN;SKU;Product;On hand": ";code;name;quantity",
    "Name;Description;Stock;Unit price;Total": "name;note;quantity;;",
    "Item;Minimum stock;Stock": "name;minimum;quantity",
    "id;name;quantity;location;version;created_at;updated_at": "id;name;quantity;location;version;;",
    "id;quantity": "id;quantity",
    "ID;Product;Qty": ";name;quantity",
    "Colour;;x": ";;",
  };
  for (const [names, guesses] of Object.entries(cases)) assert.equal(guessColumns(names.split(";")).join(";"), guesses, names);
});

test("the decimal separator of a file is guessed where it is clear", () => {
  const cases = [
    [".", ["1,234.00"], ["12.5"], ["0.750"], ["1234", "1.234"], ["1,234", "12"], ["1,234,567"], ["12.00"], ["1 234.5"]],
    [",", ["1.234,00"], ["12,5"], ["0,750"], ["1234", "1,234"], ["1.234", "12"], ["1.234.567"], ["-1,5"], ["1'234,5"]],
    [null, [], ["5"], ["1.234"], ["1,234"], ["1.250", "2.000"], ["1,5", "1.5"], ["1.234", "1,234"], ["four", "1.2.3", "12 pcs"]],
  ];
  for (const [decimal, ...files] of cases) for (const texts of files) assert.equal(guessDecimal(texts), decimal, texts.join(" "));
});

test("a number is read with the separators of its file", () => {
  assert.deepEqual(["1,234.00", "1234", "1 234", "12.5", "-4"].map((each) => readDecimal(each, ".")), [1234, 1234, 1234, 12.5, -4]);
  assert.deepEqual(["1.234,00", "1’234", "−4"].map((each) => readDecimal(each, ",")), [1234, 1234, -4]);
  for (const wrong of ["", "four", "1,23", "1.2.3", "12 pcs", "1e3", ".5"]) assert.equal(readDecimal(wrong, "."), null, wrong);
});

test("a row is new, changed, unchanged or wrong", () => {
  const planned = plan(["Name;Qty;Code", "m4 BOLT;14;B4", "Nut;5;", "Washer;3;W", "Nail;many;"]);
  assert.deepEqual(planned.rows.map(({ kind }) => kind), ["changed", "unchanged", "new", "wrong"]);
  assert.deepEqual(planned.counts, { new: 1, changed: 1, unchanged: 1, wrong: 1, left: 0 });
  assert.deepEqual(planned.rows[0].values, { name: "m4 BOLT", code: "B4", quantity: 14 });
});

test("a row is matched by id, else by code, else by name", () => {
  const idOf = (lines, items) => plan(lines, items).rows.map((row) => row.item?.id ?? null);
  assert.deepEqual(idOf(["id;version;name;quantity;code", "8;80;M4 bolt;1;B5"]), [8]);
  assert.deepEqual(idOf(["name;quantity;code", "Nut;1;B4", "nut;1;"]), [7, 8]);
  assert.deepEqual(idOf(["name;quantity;code", "NUT;1;N1"]), [8], "an item without a code gets one");
  assert.deepEqual(idOf(["name;quantity;code", "M4 bolt;1;B5"]), [null], "another code is another item");
  assert.deepEqual(idOf(["name;quantity", "M4 bolt;1"]), [7]);
});

test("a row is matched only at its location", () => {
  assert.deepEqual(kinds(["name;quantity;location", "Nut;5;Main", "Nut;5;van", "Nut;5;Shelf", "Nut;5;Attic"]), ["unchanged", "new", "new", "wrong"]);
  const at = act(load(["name;quantity", "Nut;5"]), "at", { location: 2 });
  assert.deepEqual(planImport(at, STATE, stock(NUT)).rows[0].kind, "new");
});

test("a name that several items have is wrong, unless a code or an id decides", () => {
  const twins = stock(item(1, "Nut", 5, { code: "A" }), item(2, "Nut", 6), item(3, "Nut", 7));
  assert.deepEqual(faults(["name;quantity", "nut;1"], twins), ["2 name: 3 items are called nut. Give the code or the id of the one that is meant."]);
  assert.deepEqual(kinds(["name;quantity;code", "Nut;1;A"], twins), ["changed"]);
  assert.deepEqual(kinds(["id;name;quantity", "3;Nut;1"], twins), ["changed"]);
});

test("two rows for the same item, or with the same code or name, are wrong", () => {
  assert.deepEqual(faults(["name;quantity", "Nut;1", "nut;2"]), ["2 name: Row 3 is for the same item.", "3 name: Row 2 is for the same item."]);
  assert.deepEqual(faults(["name;quantity;code", "a;1;X", "b;2;X"]), ["2 code: Row 3 has the same code.", "3 code: Row 2 has the same code."]);
  assert.deepEqual(faults(["name;quantity", "a;1", "A;2"]), ["2 name: Row 3 has the same name.", "3 name: Row 2 has the same name."]);
  assert.deepEqual(kinds(["name;quantity;code", "a;1;X", "a;2;Y"]), ["new", "new"]);
  const left = act(load(["name;quantity", "Nut;1", "nut;2"]), "leave", { row: 0, isLeft: true });
  assert.deepEqual(planImport(left, STATE, stock(NUT)).rows.map(({ kind }) => kind), ["left", "changed"]);
});

test("a wrong cell is shown with what is wrong", () => {
  const rows = ["12.5", "1,000", "-4", "four", "", "3000000000", "1.000"].map((cell, n) => `item ${n};${cell}`);
  assert.deepEqual(faults(["Name;Qty", ...rows]), [
    "2 quantity: 12.5 is not a whole number.",
    "4 quantity: -4 is less than 0.",
    "5 quantity: four is not a number.",
    "6 quantity: Enter a whole number, 0 or more.",
    "7 quantity: A quantity is at most 2,147,483,647.",
  ]);
  assert.deepEqual(faults(["Name;Qty", "a;1.000"]), ["2 quantity: 1.000 may be a whole number or a fraction: choose how numbers are written."]);
  assert.deepEqual(faults(["name;quantity", ";1", `${"n".repeat(201)};1`, "a\nb;1"]), [
    "2 name: Give the item a name.",
    "3 name: A name has at most 200 characters.",
    "4 name: It has a line break, or another character that can't be printed.",
  ]);
});

test("what a new item needs and no column has is said", () => {
  assert.deepEqual(faults(["name;colour", "Washer;red"]), ["2 quantity: A new item needs a quantity. Choose the column that has it."]);
  assert.deepEqual(faults(["code;quantity", "X;1"]), ["2 name: A new item needs a name. Choose the column that has it."]);
  assert.deepEqual(kinds(["code;quantity", "B4;1"]), ["changed"]);
});

test("an id must be that of an item at its location, which has not changed since", () => {
  const head = "id;version;quantity;location";
  assert.deepEqual(faults([head, "99;1;1;", "x;1;1;", "7;69;1;", "8;80;1;Van", "7;70;1;main"]), [
    "2 id: There is no item with the id 99.",
    "3 id: There is no item with the id x.",
    "4 version: M4 bolt was changed after this file was exported. To import the row anyway, take the column of the version as not imported.",
    "4 id: Row 6 is for the same item.",
    "5 location: Nut is at Main. An import can't move it.",
    "6 id: Row 4 is for the same item.",
  ]);
});

test("nobody imports to a location where they may only read", () => {
  const session = { ...INITIAL_STATE.session, auth: "login", grants: [{ location: 1, role: "editor" }, { location: 3, role: "viewer" }] };
  const given = [["name;quantity;location", "a;1;Main/Shelf"], stock(), { ...STATE, session }];
  assert.deepEqual(faults(...given), ["2 location: You may not change what is at Main/Shelf."]);
});

test("a code can be exchanged, but not taken", () => {
  const nut = { ...NUT, code: "N" };
  assert.deepEqual(faults(["id;code", "8;B4"], stock(BOLT, nut)), ["2 code: This is the code of M4 bolt already."]);
  assert.deepEqual(kinds(["id;code", "8;B4", "7;N"], stock(BOLT, nut)), ["changed", "changed"]);
});

test("an empty cell clears a field, and a column that is not there does not", () => {
  const noted = stock({ ...NUT, note: "x" });
  assert.deepEqual(plan(["name;quantity;note", "Nut;5;"], noted).rows[0].kind, "changed");
  assert.deepEqual(plan(["name;quantity", "Nut;5"], noted).rows[0].kind, "unchanged");
  assert.deepEqual(kinds(["name;quantity;minimum", "Nut;5"]), ["unchanged"], "a row that is cut off");
});

test("a person corrects what a column is, and everything is computed again", () => {
  let importing = load(["x;y", "Nut;6"]);
  assert.deepEqual(importing.mapping, ["", ""]);
  importing = act(act(importing, "column", { column: 0, field: "quantity" }), "column", { column: 1, field: "quantity" });
  assert.deepEqual(importing.mapping, ["", "quantity"]);
  importing = act(importing, "column", { column: 0, field: "name" });
  assert.deepEqual(planImport(importing, STATE, stock(NUT)).rows[0].kind, "changed");
});

test("a person corrects a cell, also one that is missing", () => {
  let importing = act(load(["name;quantity", "Nut;many", "Bolt"]), "fix", { row: 0, column: 1, value: "7" });
  importing = act(importing, "fix", { row: 1, column: 1, value: "9" });
  assert.deepEqual(importing.rows.map(({ cells }) => cells), [["Nut", "7"], ["Bolt", "9"]]);
  assert.deepEqual(planImport(importing, STATE, stock(NUT)).rows.map(({ kind }) => kind), ["changed", "new"]);
});

test("a person says how numbers are written", () => {
  const read = (decimal) => planImport(act(load(["name;quantity", "a;1.000"]), "decimal", { decimal }), STATE, stock()).rows[0].values.quantity;
  assert.deepEqual([read(","), read(".")], [1000, 1]);
  assert.equal(planImport(load(["name;quantity", "a;1.250"], "."), STATE, stock()).rows[0].kind, "wrong", "a workbook writes fractions with a point");
});

test("a file may have no names of columns", () => {
  let importing = act(load(["Nut;6", "Bolt;7"]), "names", { isNamed: false });
  assert.deepEqual([importing.columns, importing.mapping], [["", ""], ["", ""]]);
  importing = act(act(importing, "column", { column: 0, field: "name" }), "column", { column: 1, field: "quantity" });
  assert.deepEqual(planImport(importing, STATE, stock(NUT)).rows.map(({ line, kind }) => [line, kind]), [[1, "changed"], [2, "new"]]);
  importing = act(importing, "names", { isNamed: true });
  assert.deepEqual([importing.columns, importing.rows.length], [["Nut", "6"], 1]);
});

test("several locations with the name in a cell are wrong, and a path is not", () => {
  const other = { id: 4, name: "Shelf", parent: 2, path: "Van/Shelf", editable: true };
  const given = ["name;quantity;location", "a;1;shelf", "a;1;van / shelf"];
  assert.deepEqual(faults(given, stock(), stateWith(MAIN, VAN, SHELF, other)), ["2 location: Several locations are called shelf: write the whole path."]);
});

test("empty rows are skipped, and rows keep the numbers that they have in the file", () => {
  const table = { columns: ["name", "quantity"], rows: [[], ["a", "x"]], first_line: 4, decimal: null };
  const importing = reduceImport(NO_IMPORT, { act: "table", name: "f", table });
  assert.deepEqual(planImport(importing, STATE, stock()).rows.map(({ line }) => line), [5]);
});

test("rows are written with the id and the version of the item that they were compared with", () => {
  const lines = ["name;quantity;note", "nut;6;", "=Oil;1;two", "M4 bolt;12;", "Bad;x;"];
  const planned = plan(lines, stock({ ...NUT, note: "n" }, { ...BOLT, note: null }));
  const { csv, lines: places } = writeImport(planned.rows, load(lines).mapping, STATE.locations);
  assert.equal(csv, "id,version,name,quantity,note,location\r\n8,80,nut,6,,\r\n,,'=Oil,1,two,Main\r\n");
  assert.deepEqual([...places], [[2, 0], [3, 1]]);
});

test("a changed row is written with all that the server would otherwise clear", () => {
  const lines = ["code;unit", "B4;pcs"];
  assert.equal(writeImport(plan(lines).rows, load(lines).mapping, STATE.locations).csv, "id,version,name,code,quantity,unit,location\r\n7,70,M4 bolt,B4,12,pcs,\r\n");
});

test("rows that are left out are written as they are in the file, with the reason", () => {
  const importing = act(load(["Name;Qty", "Nut;x", "-a;1", 'b";2']), "leave", { row: 1, isLeft: true });
  const { rows } = planImport(importing, STATE, stock());
  assert.equal(writeLeftRows(importing, rows), "\ufeffName,Qty,Why it was not imported\r\nNut,x,x is not a number.\r\n'-a,1,Left out\r\n");
});

test("what the server refuses is shown at its row, until the row or its item changes", () => {
  const refused = new Map([[0, { field: "version", message: "no", version: 80 }]]);
  const importing = act(load(["name;quantity", "Nut;6"]), "refused", { failure: "no", refused });
  assert.equal(planImport(importing, STATE, stock(NUT)).rows[0].kind, "wrong");
  assert.equal(planImport(importing, STATE, stock({ ...NUT, version: 81 })).rows[0].kind, "changed");
  assert.equal(planImport(act(importing, "fix", { row: 0, column: 1, value: "7" }), STATE, stock(NUT)).rows[0].kind, "changed");
});

test("what was sent stays as it is until its outcome is known", () => {
  const sent = { csv: "x", key: "k", lines: new Map() };
  let importing = act(load(["name;quantity", "Nut;x", "a;1"]), "send", { sent });
  for (const [name, values] of [["fix", { row: 0, column: 1, value: "1" }], ["leave", { row: 0, isLeft: true }], ["column", { column: 0, field: "" }]]) {
    assert.equal(act(importing, name, values), importing);
  }
  importing = act(importing, "uncertain", { failure: "no answer" });
  assert.equal(importing.sent, sent);
  assert.equal(act(importing, "imported", { left: [], said: "done" }).name, "");
  const rest = act(importing, "imported", { left: [0], said: "done" });
  assert.deepEqual([rest.rows.map(({ line }) => line), rest.sent, rest.said], [[2], null, "done"]);
});

test("a file of 10,000 rows is planned at once", () => {
  const items = stock(...Array.from({ length: 10_000 }, (_, n) => item(n + 1, `Item ${n}`, n, { code: `C${n}` })));
  const lines = ["Code;Name;Qty", ...Array.from({ length: 10_000 }, (_, n) => `C${n};Item ${n};${n + (n % 2)}`)];
  const importing = load(lines);
  const began = process.cpuUsage();
  const { counts } = planImport(importing, STATE, items);
  const { user } = process.cpuUsage(began); // µs; other processes do not count
  assert.deepEqual(counts, { new: 0, changed: 5_000, unchanged: 5_000, wrong: 0, left: 0 });
  assert.ok(user < 2_000_000, `${user} µs`);
});
