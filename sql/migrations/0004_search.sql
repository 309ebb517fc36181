-- One way to fold and to order names, whatever the server's locale, dictionaries or extensions. The page does the same,
-- step for step (frontend/scripts/search.js and order.js), and the tests compare the two.

-- lower() by the rules of Unicode. The default collation of a database need not follow them: in "C" only ASCII has two
-- cases, and in Turkish the small letter of I is another one. PostgreSQL 17 and later have a collation for this; before,
-- ICU's gives the same for the texts that fold_text() passes.
DO $$
DECLARE
    unicode_collation name := (
        SELECT collname
        FROM pg_catalog.pg_collation
        WHERE collname IN ('pg_c_utf8', 'und-x-icu')
        ORDER BY collname
        LIMIT 1
    );
BEGIN
    IF unicode_collation IS NULL THEN
        RAISE EXCEPTION 'this server has neither the collation pg_c_utf8 nor und-x-icu'
            USING HINT = 'Use PostgreSQL 17 or later, or one that was built with ICU.';
    END IF;
    EXECUTE format(
        'CREATE FUNCTION lower_case(original text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT'
        ' RETURN lower(original COLLATE pg_catalog.%I)',
        unicode_collation
    );
END;
$$;

-- What search compares. Case, accents, width and typography are taken away, in these steps:
--   1. characters whose compatibility decomposition is not what people mean by them: a spacing accent is an apostrophe,
--      a double prime is a quotation mark;
--   2. decomposition (NFKD), then lower case;
--   3. without combining marks (only U+0300 to U+036F: in other scripts marks are letters) and invisible characters;
--   4. letters that do not decompose, and signs that are typed in another way;
--   5. a cut, so that an index can hold it.
-- 0003 created the extension unaccent for this. It stays, since others may use it; nothing here does any more.
CREATE OR REPLACE FUNCTION fold_text(original text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN left(
    CASE
        WHEN octet_length(original) = char_length(original) THEN lower_case(original) -- ASCII: there is no more to do
        ELSE replace(replace(replace(replace(
            translate(
                regexp_replace(
                    lower_case(normalize(translate(original, '´″‶', '''""'), NFKD)),
                    '[\u0300-\u036f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f'
                    '\ufe00-\ufe0f\ufeff]',
                    '',
                    'g'
                ),
                'øɵłƚɫđðɖɗƌħŧƫƭʈⱦŋɲƞĸıɨȷɉƀɓƃƈȼɇƒǥɠƙⱥƥɋɍȿʉʋƴɏƶȥς'
                '×✕✖⌀‐‒–—―−‘’‚‛ʹʻʼʽ′‵‹›“”„‟ʺ«»⁄∕',
                'oollldddddhtttttnnnqiijjbbbccefggkapqrsuvyyzzσ'
                'xxxo------''''''''''''''''''''''''"""""""//'
            ),
            'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')
    END,
    400
);

-- What the order by name compares: numbers by their value, so that M2 comes before M10. Each run of digits is padded
-- with zeros to 20 places. The cut keeps a key within what an index can hold.
CREATE FUNCTION natural_key(folded text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN left(
    regexp_replace(
        regexp_replace(folded, '([0-9]+)', '00000000000000000000\1', 'g'),
        '0*([0-9]{20,})', '\1', 'g'
    ),
    600
);

-- The column comes first: its lock keeps other writes out until the names are folded again. "C" compares by code point in
-- every database.
ALTER TABLE inventory_name
    ADD COLUMN order_key text COLLATE "C" NOT NULL GENERATED ALWAYS AS (natural_key(folded)) STORED;

UPDATE inventory_name AS n
SET folded = fold_text(i.name)
FROM inventory AS i
WHERE i.id = n.item_id
  AND n.folded <> fold_text(i.name);

DROP INDEX inventory_name_order;
CREATE INDEX inventory_name_order ON inventory_name (order_key, item_id);
