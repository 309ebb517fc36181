/** Guesses what the columns of a file are, from their names in several languages. Pure functions. */

import { FIELDS } from "./fields.js";
import { fold } from "./search.js";

/** What a column can be, in the order of the choice. */
export const TARGETS = ["name", "code", "quantity", "unit", "minimum", "note", "location", "id", "version"];

/** The columns of an export, which people edit and import again. */
const OWN = new Set([...FIELDS.map(({ name }) => name), "id", "location", "version", "created_at", "updated_at"]);

/** Names of columns, separated by commas; better ones first. Case, accents and punctuation do not count. */
const WORDS = {
  name: `name, item name, article name, product name, part name, item, article, product, part, material, title,
    bezeichnung, artikelbezeichnung, artikelname, produktname, warenbezeichnung, benennung, artikel, produkt, artikeltext,
    kurztext, nom, désignation, libellé, intitulé, nom du produit, désignation article, produit, nombre, denominación,
    artículo, producto, nome, denominazione, articolo, prodotto, naam, artikelnaam, productnaam, omschrijving,
    artikelomschrijving, benaming, designação, artigo, produto, nazwa, nazwa towaru, nazwa produktu, towar, artykuł,
    description, beschreibung, descripción, descrizione, descrição, opis`,
  code: `code, sku, item code, item number, item no, article number, article no, article code, part number, part no,
    product code, product number, product no, stock code, ean, ean code, gtin, upc, barcode, bar code, pn, mpn,
    artikelnummer, artikel nr, art nr, artnr, artikelnr, artikelcode, materialnummer, teilenummer, sachnummer, bestellnummer,
    best nr, strichcode, code article, code produit, référence, réf, réf article, numéro d article, code barres, código,
    código de artículo, referencia, código de barras, cód, codice, codice articolo, cod articolo, cod, codice a barre,
    riferimento, productcode, streepjescode, referência, kod, kod towaru, symbol, indeks, nr artykułu, numer katalogowy,
    nr katalogowy, kod kreskowy, reference, ref`,
  quantity: `quantity, qty, quantity on hand, qty on hand, on hand, in stock, stock on hand, stock level, stock, count,
    available, balance, inventory, pieces, amount, menge, bestand, lagerbestand, ist bestand, istbestand, lagermenge, anzahl,
    stückzahl, stück, stk, vorrat, verfügbar, quantité, qté, quantité en stock, stock actuel, en stock, nombre de pièces,
    cantidad, cant, existencias, existencia, disponible, unidades, quantità, q tà, qtà, giacenza, esistenza, scorta,
    disponibilità, pezzi, aantal, voorraad, op voorraad, hoeveelheid, quantidade, qtd, qtde, quant, estoque, existências,
    saldo, ilość, stan, stan magazynowy, liczba, sztuk, zapas`,
  unit: `unit, unit of measure, uom, um, units, einheit, mengeneinheit, maßeinheit, basiseinheit, me, unité,
    unité de mesure, unidad, unidad de medida, ud, unità, unità di misura, u m, eenheid, unidade, unid, un, jednostka,
    jednostka miary, jedn, j m, jm`,
  minimum: `minimum, min, minimum stock, min stock, minimum quantity, min qty, reorder point, reorder level, safety stock,
    mindestbestand, min bestand, minimalbestand, mindestmenge, meldebestand, sicherheitsbestand, stock minimum, stock mini,
    stock min, seuil, seuil d alerte, stock d alerte, stock de sécurité, mínimo, stock mínimo, existencia mínima,
    punto de pedido, minimo, scorta minima, giacenza minima, minimumvoorraad, min voorraad, minimale voorraad, bestelpunt,
    estoque mínimo, quantidade mínima, stan minimalny, zapas minimalny, minimalny stan`,
  note: `note, notes, comment, comments, remark, remarks, notiz, bemerkung, bemerkungen, anmerkung, kommentar, hinweis,
    remarque, remarques, commentaire, observations, nota, notas, comentario, observaciones, commento, osservazioni, opmerking,
    opmerkingen, notitie, observação, observações, comentário, uwagi, uwaga, notatka, komentarz,
    description, beschreibung, descripción, descrizione, descrição, opis`,
  location: `location, storage location, stock location, bin location, warehouse, place, storage, site, bin, shelf,
    lagerort, lagerplatz, lager, standort, ort, regal, fach, emplacement, entrepôt, dépôt, magasin, lieu, ubicación, almacén,
    localización, depósito, lugar, ubicazione, magazzino, posizione, deposito, luogo, locatie, opslaglocatie, magazijn,
    plaats, localização, local, armazém, lokalizacja, magazyn, miejsce, półka`,
};

/** Columns with these words are never taken for a quantity or a unit: they are money. */
const MONEY = /(^| )(preis|price|prix|precio|prezzo|prijs|preco|cena|wert|value|valeur|valor|valore|waarde|total|eur|usd)( |$)/;

const plain = (name) => fold(name).replace(/[^\p{L}\p{N}]+/gu, " ").trim();
const CONTAINED = 1_000; // the rank of a name that only contains a known one
const LATE = { note: 500 }; // a description is a note only if another column is the name

const NAMES = Object.entries(WORDS).map(([field, words]) => [field, words.split(",").map(plain)]);

/** How well a name fits a field: lower is better, null if it does not. */
function rankOf(name, field, words) {
  const exact = words.indexOf(name);
  if (exact >= 0) return exact + (LATE[field] ?? 0);
  if (MONEY.test(name)) return null;
  const contained = words.findIndex((word) => word.length > 2 && ` ${name} `.includes(` ${word} `));
  return contained < 0 ? null : contained + CONTAINED;
}

/**
 * What each column is: one of TARGETS, or "" for a column that is not imported. No two columns are the same.
 *
 * An `id` may be that of another program, so it counts only in a file that looks like an export of this stock.
 * @param {string[]} columns names of the columns
 */
export function guessColumns(columns) {
  const names = columns.map(plain);
  const isOwn = names.includes("version") || columns.every((name) => OWN.has(name.trim().toLowerCase()));
  const guesses = names.map((name) => (isOwn && ["id", "version"].includes(name) ? name : ""));
  const fits = NAMES.flatMap(([field, words]) => names.map((name, column) => ({ field, column, rank: rankOf(name, field, words) })));
  const known = fits.filter(({ rank }) => rank !== null).sort((a, b) => a.rank - b.rank || a.column - b.column);
  for (const { field, column } of known) {
    if (guesses[column] === "" && !guesses.includes(field)) guesses[column] = field;
  }
  return guesses;
}
