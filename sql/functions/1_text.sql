-- Functions that trim, compare and format text.

-- RFC 3339 in UTC, whatever the time zone of the session.
CREATE OR REPLACE FUNCTION rfc3339(moment timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- Remove the white space at both ends that Python's str.strip() removes, so that the API and the database agree.
CREATE OR REPLACE FUNCTION trim_text(original text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN btrim(original, E'\t\n\u000b\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005'
                   '\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000');

-- The same for a text of several lines. Line breaks become line feeds, and an empty text null.
CREATE OR REPLACE FUNCTION trim_lines(original text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(trim_text(regexp_replace(original, '\r\n?', E'\n', 'g')), '');

-- Fold a text for search: case, accents, width and typography are removed in these steps:
--   1. replace characters whose compatibility decomposition is not what people mean by them: a spacing accent becomes
--      an apostrophe, a double prime a quotation mark;
--   2. decompose (NFKD), then convert to lower case;
--   3. remove combining marks (only U+0300 to U+036F, since in other scripts marks are letters) and invisible
--      characters;
--   4. replace letters that do not decompose, and signs that people type differently;
--   5. cut the result, so that it fits into an index.
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

-- The sort key of a name. Runs of digits are padded with zeros to 20 places, so that M2 sorts before M10. The key is
-- cut to fit into an index.
CREATE OR REPLACE FUNCTION natural_key(folded text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN left(
    regexp_replace(
        regexp_replace(folded, '([0-9]+)', '00000000000000000000\1', 'g'),
        '0*([0-9]{20,})', '\1', 'g'
    ),
    600
);

-- The text that is searched: the name, and the code on a second line. A query never contains a line break. The list is
-- sorted by the natural_key() of this text, so items with the same name are sorted by code.
CREATE OR REPLACE FUNCTION search_text(name text, code text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN fold_text(name) || coalesce(E'\n' || fold_text(code), '');

-- What the sort key of every item with this name begins with: the rest of the key is a line break and the code.
CREATE OR REPLACE FUNCTION name_key(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN natural_key(fold_text(name)) COLLATE "C";

-- Patterns for LIKE, one for each word of a query, the longest word first: a folded text is found if all of them match,
-- in any order. Without a word, the pattern matches every text. Wildcards are escaped.
CREATE OR REPLACE FUNCTION search_words(query text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN (
    SELECT array_agg('%' || regexp_replace(word, '([\\%_])', '\\\1', 'g') || '%' ORDER BY char_length(word) DESC, word)
    FROM regexp_split_to_table(
        trim_text(fold_text(query)),
        '[\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+'
    ) AS word
);

-- The pattern of a query that must be found as it is. The previous version of the services uses it.
CREATE OR REPLACE FUNCTION search_pattern(query text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN '%' || regexp_replace(trim_text(fold_text(query)), '([\\%_])', '\\\1', 'g') || '%';

DROP FUNCTION IF EXISTS trim_name(text); -- the earlier name of trim_text()
