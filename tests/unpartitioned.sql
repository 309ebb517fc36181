-- The functions of the version before the log was partitioned, as they were.

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

-- The documents of items, and the triggers that run when an item is written.

-- The document of an item. Answers with an item contain it as PostgreSQL wrote it.
-- row_to_json() keeps the order of fields and adds no white space.
CREATE OR REPLACE FUNCTION item_document(item inventory) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT row_to_json(document)
    FROM (
        SELECT
            item.id,
            item.name,
            item.quantity,
            item.code,
            item.unit,
            item.minimum,
            item.note,
            item.location,
            rfc3339(item.counted_at) AS counted_at,
            item.version,
            rfc3339(item.created_at) AS created_at,
            rfc3339(item.updated_at) AS updated_at
    ) AS document
);

-- document_shape() is a hash of the names of a document's fields. last_event_of_other_shape() is the last event that
-- was written with other fields. Both are computed here, and not in each call. They are not declared immutable, since
-- a cached plan would keep the value of an immutable function. The lock is that of inventory_write_history(), so that
-- no event is written in between.
DO $$
DECLARE
    fields text := (SELECT string_agg(field, ',') FROM json_object_keys(item_document(NULL::inventory)) AS field);
    shape  text := left(md5(fields), 6);
    known  text;
    define text := 'CREATE OR REPLACE FUNCTION %I() RETURNS %I LANGUAGE sql STABLE PARALLEL SAFE RETURN %L::%2$I';
BEGIN
    IF to_regprocedure('document_shape()') IS NOT NULL THEN
        EXECUTE 'SELECT document_shape()' INTO known;
    END IF;
    IF known IS DISTINCT FROM shape THEN
        PERFORM pg_advisory_xact_lock(5310, 1);
        EXECUTE format(define, 'document_shape', 'text', shape);
        EXECUTE format(define, 'last_event_of_other_shape', 'int8', (
            SELECT coalesce(max(event_id), 0) FROM inventory_history
        ));
    END IF;
END;
$$;

-- A document of this event with the current fields: those that did not exist then are null. Before there were locations,
-- everything was in the first one.
CREATE OR REPLACE FUNCTION past_document(event_id bigint, document json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN event_id > last_event_of_other_shape() THEN document
    WHEN document IS NOT NULL THEN item_document(
        json_populate_record(json_populate_record(NULL::inventory, '{"location": 1}'), document)
    )
END;

-- The ETag of an item, without its quotation marks.
CREATE OR REPLACE FUNCTION item_tag(item inventory) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN item.version || '-' || document_shape();

-- Trim the texts of an item, whoever writes it.
CREATE OR REPLACE FUNCTION trim_item(item inventory) RETURNS inventory
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    item.name := trim_text(item.name);
    item.code := trim_text(item.code);
    item.unit := trim_text(item.unit);
    item.note := trim_lines(item.note);
    RETURN item;
END;
$$;

-- An unused id. The sequence does not know ids that were inserted explicitly.
CREATE OR REPLACE FUNCTION next_item_id() RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    candidate bigint;
BEGIN
    LOOP
        candidate := nextval('inventory_id_seq');
        EXIT WHEN NOT EXISTS (SELECT FROM inventory WHERE id = candidate)
              AND NOT EXISTS (SELECT FROM inventory_tombstone WHERE item_id = candidate);
    END LOOP;
    RETURN candidate;
END;
$$;

-- Whether the changes of this transaction are counts.
CREATE OR REPLACE FUNCTION is_counting() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(trim_lines(current_setting('stockstream.reason', true)) = 'counted', false);

CREATE OR REPLACE FUNCTION inventory_before_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    former_location bigint;
BEGIN
    NEW := trim_item(NEW);
    NEW.updated_at := clock_timestamp();
    NEW.created_at := coalesce(NEW.created_at, NEW.updated_at);
    IF NEW.id IS NULL THEN
        NEW.id := next_item_id();
        NEW.version := 1;
    ELSE
        -- A given id may have been deleted, even by a transaction that is still open. The upsert waits for that
        -- transaction; a SELECT would not see its deletion.
        INSERT INTO inventory_tombstone AS tombstone (item_id, version, location)
        VALUES (NEW.id, 0, coalesce((SELECT i.location FROM inventory AS i WHERE i.id = NEW.id), NEW.location))
        ON CONFLICT (item_id) DO UPDATE SET version = tombstone.version
        RETURNING tombstone.version + 1, tombstone.location INTO NEW.version, former_location;
        IF former_location <> NEW.location AND NOT EXISTS (SELECT FROM inventory AS i WHERE i.id = NEW.id) THEN
            RAISE EXCEPTION 'item % was at another location', NEW.id
                USING ERRCODE = 'integrity_constraint_violation', HINT = 'Insert it without an id.';
        END IF; -- an item that exists is a conflict, which the statement may handle
    END IF;
    RETURN NEW;
END;
$$;

CREATE OR REPLACE FUNCTION inventory_before_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'the id of an item cannot change'
            USING ERRCODE = 'integrity_constraint_violation', HINT = 'Delete the item and insert another.';
    END IF;
    IF NEW.location <> OLD.location THEN
        RAISE EXCEPTION 'the location of an item cannot change'
            USING ERRCODE = 'integrity_constraint_violation', HINT = 'Move its quantity to an item there.';
    END IF;
    NEW := trim_item(NEW);
    NEW.version := OLD.version;
    NEW.created_at := OLD.created_at;
    NEW.updated_at := OLD.updated_at;
    NEW.counted_at := CASE WHEN is_counting() THEN clock_timestamp() ELSE OLD.counted_at END;
    IF NEW IS NOT DISTINCT FROM OLD THEN
        RETURN OLD; -- a write that changes nothing is no change, unless it is a count: same version, no event
    END IF;
    NEW.version := OLD.version + 1;
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END;
$$;

CREATE OR REPLACE FUNCTION inventory_bury() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO inventory_tombstone (item_id, version, location)
    VALUES (OLD.id, OLD.version + 1, OLD.location)
    ON CONFLICT (item_id) DO UPDATE SET version = EXCLUDED.version, location = EXCLUDED.location;
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION inventory_index_name() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM inventory_name WHERE item_id = OLD.id;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO inventory_name (item_id, folded) VALUES (NEW.id, search_text(NEW.name, NEW.code));
    ELSIF (NEW.name, NEW.code) IS DISTINCT FROM (OLD.name, OLD.code) THEN
        UPDATE inventory_name SET folded = search_text(NEW.name, NEW.code) WHERE item_id = NEW.id;
    END IF;
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION inventory_refuse_truncate() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of % is refused: it would leave no trace in the log', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', HINT = 'Use DELETE.';
END;
$$;

-- The API may write every column that no trigger fills in. For a new item it may also set the id, the location and
-- created_at.
DO $$
DECLARE
    fields text := (
        SELECT string_agg(quote_ident(attname), ', ')
        FROM pg_attribute
        WHERE attrelid = 'inventory'::regclass
          AND attnum > 0
          AND NOT attisdropped
          AND attname NOT IN ('id', 'location', 'version', 'created_at', 'updated_at', 'counted_at')
    );
BEGIN
    EXECUTE format('GRANT INSERT (id, location, created_at, %1$s), UPDATE (%1$s) ON inventory TO stockstream_api', fields);
END;
$$;

-- The log: writing, positions, pruning.

-- The identity of the cluster and the database. They are declared immutable since they can't change while a session,
-- and thus a cached plan, exists.
CREATE OR REPLACE FUNCTION log_cluster() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT system_identifier::text FROM pg_control_system());

CREATE OR REPLACE FUNCTION log_database() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT oid::text FROM pg_database WHERE datname = current_database());

-- The timeline that this server writes on. It fails on a standby, which writes nothing.
CREATE OR REPLACE FUNCTION current_timeline() RETURNS text
LANGUAGE sql STABLE
RETURN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8);

-- The timeline on which the last event was written.
CREATE OR REPLACE FUNCTION log_timeline() RETURNS text
LANGUAGE sql STABLE
RETURN (SELECT timeline FROM inventory_history_timeline);

-- The epoch identifies the log. It changes with another cluster, a promoted standby, a restore to a point in time, a
-- dump loaded into a new database, and a new table. An event id of another epoch is not a position in this log.
--
-- On a standby, the timeline is that of the last event. PostgreSQL does not tell a standby's clients which timeline it
-- has replayed: its control file still has the former timeline after the events of the next one can be read. But the
-- first event of a timeline is committed together with its timeline (inventory_write_history), so whoever sees an event
-- sees a timeline that is at least as new. Therefore, a standby with the epoch of a primary has a beginning of the
-- primary's log, up to the standby's own head: it has seen an event of the primary's timeline, which only a server that
-- has the whole log before it can have replayed, and no event of a later one. A standby of a former primary that has
-- replayed more than the promoted one stays on the former timeline. After a promotion, the epochs of primary and standby
-- differ until the first event has been replayed. That is safe: nothing is read there meanwhile.
CREATE OR REPLACE FUNCTION log_epoch() RETURNS text
LANGUAGE sql STABLE
RETURN left(encode(sha256(convert_to(concat_ws('/',
    log_cluster(),
    CASE WHEN pg_is_in_recovery() THEN log_timeline() ELSE current_timeline() END,
    log_database(),
    'inventory_history'::regclass::oid
), 'UTF8')), 'hex'), 8);

-- The log is complete after this event. Older events may have been pruned.
CREATE OR REPLACE FUNCTION log_floor() RETURNS bigint
LANGUAGE sql STABLE
RETURN (SELECT event_id FROM inventory_history_floor);

-- The last event. It is never below the floor, even if all events were pruned.
CREATE OR REPLACE FUNCTION log_head() RETURNS bigint
LANGUAGE sql STABLE
RETURN greatest((SELECT max(event_id) FROM inventory_history), log_floor());

-- The position of the last committed event, as clients store it: "<epoch>-<event id>".
CREATE OR REPLACE FUNCTION log_position() RETURNS text
LANGUAGE sql STABLE
RETURN log_epoch() || '-' || log_head();

-- The last event before this time; null if the log does not reach back that far.
CREATE OR REPLACE FUNCTION log_event_at(moment timestamptz) RETURNS bigint
LANGUAGE sql STABLE
RETURN (
    SELECT greatest(floor.event_id, (
        SELECT h.event_id
        FROM inventory_history AS h
        WHERE h.changed_at <= moment
        ORDER BY h.changed_at DESC, h.event_id DESC
        LIMIT 1
    ))
    FROM inventory_history_floor AS floor
    WHERE floor.changed_at <= moment
);

-- Who makes the changes of this transaction.
CREATE OR REPLACE FUNCTION current_actor() RETURNS text
LANGUAGE sql STABLE
RETURN coalesce(nullif(current_setting('stockstream.actor', true), ''), session_user);

-- Write the log. A deferred trigger: it runs at the end of the transaction, for each changed row. It takes the lock
-- before it draws an id, and the lock is held until the commit is visible. So ids are in commit order, and the lock
-- is held only during the commit. The first event after a promotion writes down its timeline: log_epoch() says why. All
-- notifications have the same empty payload, so PostgreSQL sends one per transaction.
CREATE OR REPLACE FUNCTION inventory_write_history() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    movement movement;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.version = OLD.version THEN
        RETURN NULL;
    END IF;
    IF concat(
        current_setting('stockstream.movement', true),
        current_setting('stockstream.reason', true),
        current_setting('stockstream.note', true)
    ) <> '' THEN
        movement := current_movement();
    END IF;
    PERFORM pg_advisory_xact_lock(5310, 1);
    IF current_timeline() <> (SELECT timeline FROM inventory_history_timeline) THEN
        UPDATE inventory_history_timeline SET timeline = current_timeline();
    END IF;
    INSERT INTO inventory_history (
        item_id, location, operation, before, after, actor, on_behalf_of, movement, reason, note, changed_at
    )
    VALUES (
        CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END,
        CASE TG_OP WHEN 'DELETE' THEN OLD.location ELSE NEW.location END,
        TG_OP,
        CASE TG_OP WHEN 'INSERT' THEN NULL ELSE item_document(OLD) END,
        CASE TG_OP WHEN 'DELETE' THEN NULL ELSE item_document(NEW) END,
        current_actor(),
        nullif(current_setting('stockstream.on_behalf_of', true), ''),
        movement.id,
        movement.reason,
        movement.note,
        clock_timestamp()
    );
    PERFORM pg_notify('inventory_history', '');
    RETURN NULL;
END;
$$;

-- Delete a batch of the oldest events and move the floor past them. Returns the number of events that the floor has
-- passed, 0 when none is old enough. The last event of an existing item is kept. Movements without lines are deleted. This
-- is the only way in which the API can change the log, so the function refuses to delete young events.
CREATE OR REPLACE FUNCTION prune_history(older_than interval, batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    reach     bigint;
    passed    integer;
    movements bigint[];
    next      inventory_history_floor;
BEGIN
    IF (older_than >= interval '1 day') IS NOT TRUE THEN
        RAISE EXCEPTION 'history younger than a day is never pruned' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT pg_try_advisory_xact_lock(5310, 4) THEN
        RETURN 0; -- another session is pruning
    END IF;
    -- '-1 year 361 days' passes the check above (a year counts as 360 days there), but leads into the future.
    reach := log_event_at(least(clock_timestamp() - older_than, clock_timestamp() - interval '24 hours'));
    SELECT count(*), max(oldest.event_id), max(oldest.changed_at) INTO passed, next.event_id, next.changed_at
    FROM (
        SELECT h.event_id, h.changed_at
        FROM inventory_history AS h
        WHERE h.event_id > log_floor()
          AND h.event_id <= reach
        ORDER BY h.event_id
        LIMIT batch
    ) AS oldest;
    IF passed = 0 THEN
        RETURN 0;
    END IF;
    WITH deleted AS (
        DELETE FROM inventory_history AS h
        USING (
            SELECT DISTINCT item_id
            FROM inventory_history
            WHERE event_id > log_floor()
              AND event_id <= next.event_id
        ) AS touched
        WHERE h.item_id = touched.item_id
          AND h.event_id <= next.event_id
          AND (NOT EXISTS (SELECT FROM inventory AS i WHERE i.id = h.item_id)
               OR EXISTS (SELECT FROM inventory_history AS newer
                          WHERE newer.item_id = h.item_id AND newer.event_id > h.event_id))
        RETURNING h.movement
    )
    SELECT array_agg(DISTINCT movement) INTO movements FROM deleted WHERE movement IS NOT NULL;
    DELETE FROM movement AS m
    WHERE m.id = ANY (movements)
      AND NOT EXISTS (SELECT FROM inventory_history AS h WHERE h.movement = m.id);
    UPDATE inventory_history_floor
    SET event_id = next.event_id, changed_at = greatest(changed_at, next.changed_at);
    RETURN passed;
END;
$$;

-- Past states, the changes of each event, and the restore of deleted items.

-- The items at these locations (null: all) as they were after this event, by id: a page of them, or all (null). The
-- document is null if the item did not exist. The document of an item is the one before its next change; without a later
-- change, it is the current one.
DROP FUNCTION IF EXISTS items_as_of(bigint, bigint, integer); -- the earlier form, without locations
CREATE OR REPLACE FUNCTION items_as_of(
    moment bigint, after_id bigint DEFAULT 0, page integer DEFAULT NULL, locations bigint[] DEFAULT NULL
)
RETURNS TABLE (id bigint, document json)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT
        known.id,
        CASE
            WHEN next.event_id IS NOT NULL THEN past_document(next.event_id, next.before)
            WHEN item.id IS NOT NULL THEN item_document(item)
        END
    FROM (
        (
            SELECT i.id
            FROM inventory AS i
            WHERE i.id > after_id AND (locations IS NULL OR i.location = ANY (locations))
            ORDER BY i.id
            LIMIT page
        )
        UNION
        (
            SELECT t.item_id
            FROM inventory_tombstone AS t
            WHERE t.item_id > after_id AND (locations IS NULL OR t.location = ANY (locations))
            ORDER BY t.item_id
            LIMIT page
        )
        ORDER BY 1
        LIMIT page
    ) AS known
    LEFT JOIN inventory AS item
        ON item.id = known.id
        AND (locations IS NULL OR item.location = ANY (locations))
    LEFT JOIN LATERAL (
        SELECT h.event_id, h.before
        FROM inventory_history AS h
        WHERE h.item_id = known.id
          AND h.event_id > moment
          AND (locations IS NULL OR h.location = ANY (locations))
        ORDER BY h.event_id
        LIMIT 1
    ) AS next ON true
    ORDER BY known.id;
END;

-- The changes of an event: each changed field with its old and new value.
CREATE OR REPLACE FUNCTION history_changes(before json, after json) RETURNS json
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT coalesce(json_object_agg(field, json_build_object('from', before -> field, 'to', after -> field)), '{}')
    FROM json_object_keys(coalesce(after, before)) AS field
    WHERE field NOT IN ('id', 'location', 'counted_at', 'version', 'created_at', 'updated_at') -- these follow, or never change
      AND (before ->> field) IS DISTINCT FROM (after ->> field)
);

-- The document of an event in the history. Every answer with an event uses it.
CREATE OR REPLACE FUNCTION history_document(event inventory_history) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT row_to_json(document)
    FROM (
        SELECT
            event.event_id,
            event.item_id,
            event.operation,
            event.actor,
            event.on_behalf_of,
            event.movement,
            event.reason,
            event.note,
            rfc3339(event.changed_at) AS changed_at,
            history_changes(event.before, event.after) AS changes,
            past_document(event.event_id, event.before) AS before,
            past_document(event.event_id, event.after) AS after
    ) AS document
);

-- The data of an event in the stream: one line of JSON. It is declared so that PostgreSQL can inline it into a query.
CREATE OR REPLACE FUNCTION event_data(event inventory_history) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN '{"event":"' || event.operation
    || '","data":' || past_document(event.event_id, coalesce(event.after, event.before))
    || ',"actor":' || to_json(event.actor)
    || coalesce(',"on_behalf_of":' || to_json(event.on_behalf_of), '')
    || coalesce(',"movement":' || event.movement || ',"reason":' || to_json(event.reason), '')
    || coalesce(',"note":' || to_json(event.note), '')
    || ',"changed_at":"' || rfc3339(event.changed_at)
    || '"}';

-- Restore a deleted item of these locations (null: all). Returns no row if it is not deleted, or no longer in the log. The
-- tombstone is locked before the log is read, in order to wait for a deletion in an open transaction.
DROP FUNCTION IF EXISTS restore_item(bigint); -- the earlier form, without locations
CREATE OR REPLACE FUNCTION restore_item(wanted bigint, locations bigint[] DEFAULT NULL) RETURNS SETOF inventory
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM FROM inventory_tombstone WHERE item_id = wanted FOR UPDATE;
    RETURN QUERY
        INSERT INTO inventory
        SELECT item.*
        FROM (
            SELECT h.operation, past_document(h.event_id, h.before) AS document
            FROM inventory_history AS h
            WHERE h.item_id = wanted
              AND (locations IS NULL OR h.location = ANY (locations))
            ORDER BY h.event_id DESC
            LIMIT 1
        ) AS last
        CROSS JOIN json_populate_record(NULL::inventory, last.document) AS item
        WHERE last.operation = 'DELETE'
        ON CONFLICT (id) DO NOTHING
        RETURNING *;
END;
$$;

REVOKE EXECUTE ON FUNCTION restore_item(bigint, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION restore_item(bigint, bigint[]) TO stockstream_api;

-- Locations: their tree, and what keeps it sound whoever writes to it.

-- The location of an item for which none is given: the oldest one.
CREATE OR REPLACE FUNCTION default_location() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
RETURN (SELECT min(id) FROM location);

CREATE OR REPLACE FUNCTION location_trim_name() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    NEW.name := trim_text(NEW.name);
    RETURN NEW;
END;
$$;

-- Recompute location_ancestor, and refuse a tree that is unsound. Two transactions that change the tree wait for each
-- other, so that they can't make a cycle together. Rights hang on the tree, so the services are notified.
CREATE OR REPLACE FUNCTION location_update_tree() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(5310, 6);
    DELETE FROM location_ancestor;
    WITH RECURSIVE above (location, ancestor) AS (
        SELECT l.id, l.parent FROM location AS l WHERE l.parent IS NOT NULL
        UNION -- without ALL, a cycle ends, too
        SELECT a.location, l.parent FROM above AS a JOIN location AS l ON l.id = a.ancestor WHERE l.parent IS NOT NULL
    )
    INSERT INTO location_ancestor (location, ancestor)
    SELECT location, ancestor FROM above;
    IF EXISTS (SELECT FROM location_ancestor WHERE location = ancestor) THEN
        RAISE EXCEPTION 'a location can''t lie in itself'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'location_no_cycle';
    END IF;
    IF EXISTS (SELECT FROM location_ancestor GROUP BY location HAVING count(*) >= 16) THEN
        RAISE EXCEPTION 'locations can be nested 16 levels deep'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'location_depth';
    END IF;
    IF NOT EXISTS (SELECT FROM location) THEN
        RAISE EXCEPTION 'the last location can''t be deleted'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'location_last';
    END IF;
    INSERT INTO location_ancestor (location, ancestor)
    SELECT id, id FROM location;
    PERFORM pg_notify('stockstream_access', '');
    RETURN NULL;
END;
$$;

-- Note when the tree changes: a stream that resumes from before, and is narrowed to locations, has to start over. A
-- deferred trigger, so that the time is that of the commit.
CREATE OR REPLACE FUNCTION location_note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO rights_change (principal, changed_at)
    VALUES (NULL, clock_timestamp())
    ON CONFLICT ON CONSTRAINT rights_change_unique DO UPDATE SET changed_at = EXCLUDED.changed_at;
    RETURN NULL;
END;
$$;

-- The names from the topmost of these locations (null: all) down to this one, as in "Main/Shelf 3".
CREATE OR REPLACE FUNCTION location_path(of_location bigint, visible bigint[]) RETURNS text
LANGUAGE sql STABLE
RETURN (
    SELECT string_agg(l.name, '/' ORDER BY depth.levels)
    FROM location_ancestor AS a
    JOIN location AS l ON l.id = a.ancestor
    CROSS JOIN LATERAL (SELECT count(*) AS levels FROM location_ancestor AS b WHERE b.location = a.ancestor) AS depth
    WHERE a.location = of_location
      AND (visible IS NULL OR a.ancestor = ANY (visible))
);

-- A location as the API shows it to somebody who may see these locations and change the items of those (null: all).
CREATE OR REPLACE FUNCTION location_document(l location, visible bigint[], editable bigint[]) RETURNS json
LANGUAGE sql STABLE
RETURN json_build_object(
    'id', l.id,
    'name', l.name,
    'parent', CASE WHEN visible IS NULL OR l.parent = ANY (visible) THEN l.parent END,
    'path', location_path(l.id, visible),
    'editable', editable IS NULL OR l.id = ANY (editable)
);

CREATE OR REPLACE TRIGGER location_trim_name BEFORE INSERT OR UPDATE ON location
    FOR EACH ROW EXECUTE FUNCTION location_trim_name();
CREATE OR REPLACE TRIGGER location_update_tree AFTER INSERT OR DELETE OR UPDATE OF parent ON location
    FOR EACH STATEMENT EXECUTE FUNCTION location_update_tree();

-- A constraint trigger can't be replaced.
DROP TRIGGER IF EXISTS location_note_change ON location;
CREATE CONSTRAINT TRIGGER location_note_change AFTER INSERT OR DELETE OR UPDATE OF parent ON location
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION location_note_change();

-- Access: rights, and what keeps their tables sound whoever writes to them.

-- Which role each active principal has, and where: at a location and everything below it, or everywhere (null). Whatever
-- reads rights reads this view.
CREATE OR REPLACE VIEW granted_role AS
SELECT g.principal, w.location, g.role
FROM access_grant AS g
JOIN principal AS p ON p.id = g.principal AND p.is_active
CROSS JOIN LATERAL (
    SELECT NULL::bigint AS location WHERE g.location IS NULL
    UNION ALL
    SELECT a.location FROM location_ancestor AS a WHERE a.ancestor = g.location
) AS w;

-- The role of a principal at a location (null: everywhere); null without one.
CREATE OR REPLACE FUNCTION role_at(of_principal bigint, at_location bigint) RETURNS access_role
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT max(g.role)
    FROM granted_role AS g
    WHERE g.principal = of_principal
      AND (g.location IS NULL OR g.location = at_location)
);

-- The grants of a principal, as the API shows them.
CREATE OR REPLACE FUNCTION grants_document(of_principal bigint) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT coalesce(
        json_agg(json_build_object('location', g.location, 'role', g.role) ORDER BY g.location NULLS FIRST), '[]'
    )
    FROM access_grant AS g
    WHERE g.principal = of_principal
);

-- An account as the API shows it.
CREATE OR REPLACE FUNCTION account_document(p principal) RETURNS json
LANGUAGE sql STABLE
RETURN json_build_object(
    'id', p.id,
    'kind', p.kind,
    'name', p.name,
    'active', p.is_active,
    'has_password', p.password IS NOT NULL,
    'created_at', rfc3339(p.created_at),
    'grants', grants_document(p.id)
);

-- A token as the API shows it, without its secret.
CREATE OR REPLACE FUNCTION token_document(t token) RETURNS json
LANGUAGE sql STABLE
RETURN json_build_object(
    'id', t.id,
    'account', t.principal,
    'name', t.name,
    'speaks_for_others', t.speaks_for_others,
    'created_at', rfc3339(t.created_at),
    'expires_at', rfc3339(t.expires_at),
    'used_at', rfc3339(t.used_at)
);

-- Notify the services whose rights have changed, so that their streams end at once. The argument is the column with the
-- principal. PostgreSQL sends each notification of a transaction once.
CREATE OR REPLACE FUNCTION access_notify() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('stockstream_access', to_jsonb(CASE TG_OP WHEN 'INSERT' THEN NEW ELSE OLD END) ->> TG_ARGV[0]);
    RETURN NULL;
END;
$$;

-- Note when the rights of a principal at single locations change: a stream that resumes from before has to start over.
-- They also change if a grant for everywhere comes or goes beside one for a location.
CREATE OR REPLACE FUNCTION access_grant_note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO rights_change (principal, changed_at)
    SELECT p.id, clock_timestamp()
    FROM principal AS p -- unless it is deleted with its grants
    WHERE p.id IN (OLD.principal, NEW.principal)
      AND (OLD.location IS NOT NULL
           OR NEW.location IS NOT NULL
           OR EXISTS (SELECT FROM access_grant AS g WHERE g.principal = p.id AND g.location IS NOT NULL))
    ON CONFLICT ON CONSTRAINT rights_change_unique DO UPDATE SET changed_at = EXCLUDED.changed_at;
    RETURN NULL;
END;
$$;

-- Delete the sessions and tokens of an account that becomes active again: those from before must not work any more.
CREATE OR REPLACE FUNCTION delete_old_credentials() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    DELETE FROM session WHERE principal = NEW.id;
    DELETE FROM token WHERE principal = NEW.id;
    RETURN NULL;
END;
$$;

-- Whether there is an admin: an active user with that role, and with a password if that is needed to sign in.
CREATE OR REPLACE FUNCTION has_admin(needs_password boolean) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (
    SELECT
    FROM principal AS p
    WHERE p.kind = 'user'
      AND (p.password IS NOT NULL OR NOT needs_password)
      AND role_at(p.id, NULL) = 'admin'
);

-- Refuse to remove the last admin, or to deactivate them. Who takes the place of an admin with a password needs one, too;
-- others are signed in by a proxy. Two transactions at once wait for each other, so that two admins can't remove each
-- other. A deferred trigger: it sees what the transaction leaves.
CREATE OR REPLACE FUNCTION access_keep_an_admin() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    former         bigint := to_jsonb(OLD) ->> TG_ARGV[0];
    needs_password boolean;
BEGIN
    IF TG_TABLE_NAME = 'principal'
       AND NOT EXISTS (SELECT FROM access_grant AS g WHERE g.principal = former AND g.role = 'admin') THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(5310, 5);
    needs_password := coalesce(
        (SELECT p.password IS NOT NULL FROM principal AS p WHERE p.id = former),
        EXISTS (SELECT FROM principal AS p WHERE p.password IS NOT NULL) -- the former admin is deleted
    );
    IF NOT has_admin(needs_password) THEN
        RAISE EXCEPTION 'the last admin can''t be removed'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'access_keep_an_admin';
    END IF;
    RETURN NULL;
END;
$$;

-- The access log is only appended to. Its owner, too, can't change it by accident.
CREATE OR REPLACE FUNCTION access_log_refuse() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'the access log can''t be changed' USING ERRCODE = 'integrity_constraint_violation';
END;
$$;

CREATE OR REPLACE TRIGGER access_notify AFTER UPDATE OR DELETE ON principal
    FOR EACH ROW EXECUTE FUNCTION access_notify('id');
CREATE OR REPLACE TRIGGER access_notify AFTER INSERT OR UPDATE OR DELETE ON access_grant
    FOR EACH ROW EXECUTE FUNCTION access_notify('principal');
CREATE OR REPLACE TRIGGER access_notify AFTER DELETE ON session
    FOR EACH ROW EXECUTE FUNCTION access_notify('principal');
CREATE OR REPLACE TRIGGER access_notify AFTER UPDATE OF expires_at OR DELETE ON token
    FOR EACH ROW EXECUTE FUNCTION access_notify('principal');
CREATE OR REPLACE TRIGGER delete_old_credentials AFTER UPDATE OF is_active ON principal
    FOR EACH ROW WHEN (NEW.is_active AND NOT OLD.is_active) EXECUTE FUNCTION delete_old_credentials();
CREATE OR REPLACE TRIGGER access_log_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION access_log_refuse();

-- Constraint triggers can't be replaced.
DROP TRIGGER IF EXISTS access_grant_note_change ON access_grant;
CREATE CONSTRAINT TRIGGER access_grant_note_change AFTER INSERT OR UPDATE OR DELETE ON access_grant
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION access_grant_note_change();
DROP TRIGGER IF EXISTS access_keep_an_admin ON access_grant;
CREATE CONSTRAINT TRIGGER access_keep_an_admin AFTER UPDATE OR DELETE ON access_grant DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.role = 'admin') EXECUTE FUNCTION access_keep_an_admin('principal');
DROP TRIGGER IF EXISTS access_keep_an_admin ON principal;
CREATE CONSTRAINT TRIGGER access_keep_an_admin AFTER UPDATE OF is_active ON principal DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active) EXECUTE FUNCTION access_keep_an_admin('id');

GRANT SELECT ON granted_role TO stockstream_api, stockstream_stream;

-- Movements: how one begins, and how it is shown.

-- Say who makes the changes of this transaction, and why. The log is written when the transaction commits.
CREATE OR REPLACE FUNCTION sign_change(actor text, on_behalf_of text, reason text, note text) RETURNS void
LANGUAGE sql VOLATILE
AS $$
    SELECT
        set_config('stockstream.actor', actor, true),
        set_config('stockstream.on_behalf_of', on_behalf_of, true),
        set_config('stockstream.reason', reason, true),
        set_config('stockstream.note', note, true)
$$;

-- The movement of this transaction. It begins when it is first asked for, if there is a reason or a note for it; without
-- them it is null. A note alone is that of a correction. A transaction has one movement at most, and no other can add
-- lines to it.
CREATE OR REPLACE FUNCTION current_movement() RETURNS movement
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    begun  text := current_setting('stockstream.movement', true);
    reason text := trim_lines(current_setting('stockstream.reason', true));
    note   text := trim_lines(current_setting('stockstream.note', true));
    result movement;
BEGIN
    IF begun ~ '^[0-9]{1,18}$' THEN
        SELECT * INTO result FROM movement AS m WHERE m.id = begun::bigint AND m.transaction = pg_current_xact_id();
    END IF;
    IF result.id IS NULL AND (reason IS NOT NULL OR note IS NOT NULL) THEN
        INSERT INTO movement AS m (reason, note, actor, on_behalf_of, undoes)
        VALUES (
            coalesce(reason, 'corrected'),
            note,
            current_actor(),
            nullif(current_setting('stockstream.on_behalf_of', true), ''),
            nullif(current_setting('stockstream.undoes', true), '')::bigint
        )
        RETURNING * INTO result;
        PERFORM set_config('stockstream.movement', result.id::text, true);
    END IF;
    RETURN result;
END;
$$;

-- Begin a movement and return its id.
CREATE OR REPLACE FUNCTION begin_movement(actor text, on_behalf_of text, reason text, note text, undoes bigint)
RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM sign_change(actor, on_behalf_of, reason, note), set_config('stockstream.undoes', undoes::text, true);
    RETURN (current_movement()).id;
END;
$$;

-- The lines of a movement at these locations (null: all): what each item was before it, and after it. The document is
-- null where the item did not exist. The version is the last one that the movement gave to the item, before a deletion if
-- it ends with one. Lines are in the order of their items.
CREATE OR REPLACE FUNCTION movement_lines(of_movement bigint, locations bigint[])
RETURNS TABLE (item_id bigint, location bigint, before json, after json, version bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT
        h.item_id,
        h.location,
        (array_agg(past_document(h.event_id, h.before) ORDER BY h.event_id))[1],
        (array_agg(past_document(h.event_id, h.after) ORDER BY h.event_id DESC))[1],
        (array_agg((coalesce(h.after, h.before) ->> 'version')::bigint ORDER BY h.event_id DESC))[1]
    FROM inventory_history AS h
    WHERE h.movement = of_movement
      AND (locations IS NULL OR h.location = ANY (locations))
    GROUP BY h.item_id, h.location
    HAVING NOT ( -- unless it existed neither before nor after
        (array_agg(h.operation ORDER BY h.event_id))[1] = 'INSERT'
        AND (array_agg(h.operation ORDER BY h.event_id DESC))[1] = 'DELETE'
    )
    ORDER BY h.item_id;
END;

-- Whether the log still has all lines of a movement. Their events are consecutive, so that events are missing only if the
-- first one that is left is the first event of the log, or older.
CREATE OR REPLACE FUNCTION movement_is_complete(of_movement bigint) RETURNS boolean
LANGUAGE sql STABLE
RETURN (
    SELECT log_floor() = 0 OR min(h.event_id) > log_floor() + 1
    FROM inventory_history AS h
    WHERE h.movement = of_movement
);

-- A movement as the API shows it to somebody who may see these locations (null: all). Null without a line there.
CREATE OR REPLACE FUNCTION movement_document(m movement, locations bigint[]) RETURNS json
LANGUAGE sql STABLE
RETURN (
    SELECT json_build_object(
        'id', m.id,
        'reason', m.reason,
        'note', m.note,
        'actor', m.actor,
        'on_behalf_of', m.on_behalf_of,
        'at', rfc3339(m.at),
        'undoes', m.undoes,
        'undone_by', (SELECT u.id FROM movement AS u WHERE u.undoes = m.id),
        'complete', movement_is_complete(m.id),
        'lines', json_agg(json_build_object(
            'item', l.item_id,
            'name', coalesce(l.after, l.before) -> 'name',
            'location', l.location,
            'from', l.before -> 'quantity',
            'to', l.after -> 'quantity',
            'version', l.after -> 'version'
        ) ORDER BY l.item_id)
    )
    FROM movement_lines(m.id, locations) AS l
    HAVING count(*) > 0
);

-- Only the log's trigger and the API may begin movements.
REVOKE EXECUTE ON FUNCTION current_movement() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION current_movement() TO stockstream_api;
