-- Text: how it is trimmed, compared and written.

-- RFC 3339 in UTC, whatever the time zone of the session.
CREATE OR REPLACE FUNCTION rfc3339(moment timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- The white space that Python's str.strip() takes away, so that the API and the database agree on a text.
CREATE OR REPLACE FUNCTION trim_text(original text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN btrim(original, E'\t\n\u000b\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005'
                   '\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000');

-- The same for a text of several lines: each line break is a line feed, and no text is null.
CREATE OR REPLACE FUNCTION trim_lines(original text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(trim_text(regexp_replace(original, '\r\n?', E'\n', 'g')), '');

-- What search compares. Case, accents, width and typography are taken away, in these steps:
--   1. characters whose compatibility decomposition is not what people mean by them: a spacing accent is an apostrophe,
--      a double prime is a quotation mark;
--   2. decomposition (NFKD), then lower case;
--   3. without combining marks (only U+0300 to U+036F: in other scripts marks are letters) and invisible characters;
--   4. letters that do not decompose, and signs that are typed in another way;
--   5. a cut, so that an index can hold it.
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
CREATE OR REPLACE FUNCTION natural_key(folded text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN left(
    regexp_replace(
        regexp_replace(folded, '([0-9]+)', '00000000000000000000\1', 'g'),
        '0*([0-9]{20,})', '\1', 'g'
    ),
    600
);

-- What a search looks through: the name, and on the next line the code. No query has a line break in it. Its natural_key()
-- is the order by name: of the same name, by code.
CREATE OR REPLACE FUNCTION search_text(name text, code text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN fold_text(name) || coalesce(E'\n' || fold_text(code), '');

-- What to compare search texts with by LIKE, to find this text in them: anywhere, without the white space at its ends, each
-- character standing for itself.
CREATE OR REPLACE FUNCTION search_pattern(query text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN '%' || regexp_replace(trim_text(fold_text(query)), '([\\%_])', '\\\1', 'g') || '%';

DROP FUNCTION IF EXISTS trim_name(text); -- the earlier name of trim_text()
