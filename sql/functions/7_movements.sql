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
