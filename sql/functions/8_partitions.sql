-- Partitions of the log: adding them ahead of need, and replacing old ones by what is kept of them.
--
-- A partition holds a range of event ids. The first one has everything before its end, and is called
-- inventory_history_up_to_<its last id>, or inventory_history_kept_up_to_<its last id> if it has only what is kept. The
-- others are called inventory_history_from_<their first id>. There is no default partition: adding a partition would
-- have to lock it and read it.

-- The number of event ids in a partition, of those that are added from now on. Each upgrade sets this number again. A
-- statement that can't rule out partitions plans for each of them, and locks each with its indexes, so there should be
-- tens of them at most.
CREATE OR REPLACE FUNCTION log_partition_events() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN 5000000;

-- The partitions in the order of their ids, from starts_at (null: the beginning) to before ends_before (null: without
-- an end). The bodies of functions here are strings, so that none is bound to the log: a dump of the previous version,
-- which does not know them, can drop the log.
CREATE OR REPLACE FUNCTION log_partitions() RETURNS TABLE (partition regclass, starts_at bigint, ends_before bigint)
LANGUAGE sql STABLE
AS $$
    SELECT
        i.inhrelid::regclass,
        substring(bounds FROM 'FROM \(''?(\d+)')::bigint AS starts_at,
        substring(bounds FROM 'TO \(''?(\d+)')::bigint
    FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid
    CROSS JOIN pg_get_expr(c.relpartbound, c.oid) AS bounds
    WHERE i.inhparent = 'inventory_history'::regclass
    ORDER BY starts_at NULLS FIRST
$$;

-- Set what log_partitions_end() returns: the first event id that has no partition. It is a function, and not a row of a
-- table, since the trigger that writes the log asks for each event, and must see the current value also in a
-- transaction with an older snapshot. Its body is a string, so that a dump has the one of its snapshot.
CREATE OR REPLACE FUNCTION set_log_partitions_end(event_id bigint) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION public.log_partitions_end() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS %L',
        'SELECT ' || event_id || '::bigint'
    );
END;
$$;

DO $$
BEGIN
    IF to_regprocedure('log_partitions_end()') IS NULL THEN
        PERFORM set_log_partitions_end(9223372036854775807); -- the first partition has no end yet
    END IF;
END;
$$;

-- As inventory_refuse_truncate(), for partitions. Its name must sort before those of the functions that take a row of
-- the log, event_data() and others: pg_restore --clean drops functions in the reverse order of their names, and the log
-- after the last one that depends on it. The partitions that the dump does not know are dropped with the log, and until
-- then, their triggers need this function.
CREATE OR REPLACE FUNCTION deny_truncate() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of % is refused: it would leave no trace in the log', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END;
$$;

-- Create a table that can become a partition, with all indexes and constraints of the log.
CREATE OR REPLACE FUNCTION create_partition(name text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('CREATE TABLE public.%I (LIKE inventory_history INCLUDING ALL EXCLUDING DEFAULTS)', name);
END;
$$;

-- Attach a table to the log, for ids from starts_at (null: the beginning) to before ends_before.
CREATE OR REPLACE FUNCTION attach_partition(name text, starts_at bigint, ends_before bigint) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER inventory_history_refuse_truncate BEFORE TRUNCATE ON public.%I'
        ' FOR EACH STATEMENT EXECUTE FUNCTION deny_truncate()',
        name
    );
    EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER inventory_history_refuse_truncate', name);
    EXECUTE (
        SELECT format('ALTER TABLE public.%I REPLICA IDENTITY USING INDEX %I', name, c.relname)
        FROM pg_index AS i
        JOIN pg_class AS c ON c.oid = i.indexrelid
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = format('public.%I', name)::regclass
          AND i.indisunique
          AND i.indnatts = 1
          AND a.attname = 'event_id'
    );
    EXECUTE format(
        'ALTER TABLE inventory_history ATTACH PARTITION public.%I FOR VALUES FROM (%s) TO (%s)',
        name, coalesce(starts_at::text, 'MINVALUE'), ends_before
    );
END;
$$;

-- Add a partition, unless there is one already that follows the one of the last event id. As long as there is room,
-- this waits for no lock, and blocks neither reads nor writes. The API calls it every minute. The trigger that writes
-- the log calls it for each event in the second half of the last partition, in case that no API runs. So a write would
-- lack a partition only after half a partition of events for which this has failed.
CREATE OR REPLACE FUNCTION extend_log() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    last_id     bigint := (SELECT last_value FROM inventory_history_event_id_seq);
    starts_at   bigint;
    ends_before bigint;
BEGIN
    IF last_id < log_partitions_end() - log_partition_events() THEN
        RETURN;
    END IF;
    IF to_regclass('public.inventory_history_first') IS NOT NULL
       AND last_id < log_partitions_end() - log_partition_events() / 2 THEN
        RETURN;
    END IF;
    BEGIN
        -- end_first_partition() was interrupted, or still takes its time. It will set another end.
        IF to_regclass('public.inventory_history_first') IS NOT NULL THEN
            IF last_id < log_partitions_end() THEN
                LOCK TABLE public.inventory_history_first IN ACCESS EXCLUSIVE MODE NOWAIT;
            END IF;
            ALTER TABLE public.inventory_history_first DROP CONSTRAINT inventory_history_end;
            PERFORM set_log_partitions_end(9223372036854775807);
            RETURN;
        END IF;
        IF last_id < log_partitions_end() THEN
            LOCK TABLE ONLY inventory_history IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;
        ELSE
            LOCK TABLE ONLY inventory_history IN SHARE UPDATE EXCLUSIVE MODE;
        END IF;
        starts_at := log_partitions_end(); -- another session may have added one while this waited
        IF last_id >= starts_at - log_partition_events() THEN
            ends_before := greatest(starts_at, last_id) + log_partition_events();
            PERFORM create_partition('inventory_history_from_' || starts_at);
            PERFORM attach_partition('inventory_history_from_' || starts_at, starts_at, ends_before);
            PERFORM set_log_partitions_end(ends_before);
        END IF;
    EXCEPTION WHEN lock_not_available OR object_in_use THEN
        IF last_id >= log_partitions_end() THEN
            RAISE;
        END IF; -- while there is room, a later call will do
    END;
END;
$$;

REVOKE EXECUTE ON FUNCTION extend_log() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION extend_log() TO stockstream_api;

-- Give the first partition an end, and let another follow it. Before, it has none, and is called
-- inventory_history_first. PostgreSQL must know that all its rows are before the end. So there is first a constraint
-- for new rows, with a brief lock. It is then validated for the rows that exist, which takes long for a long log, but
-- blocks neither reads nor writes. After that the partition is attached again with its end, which again needs no more
-- than a brief lock. Each lock is waited for only briefly, since all statements would wait behind it: the caller
-- repeats the call, which goes on where it was interrupted. SHARE UPDATE EXCLUSIVE blocks neither reads nor writes, but
-- makes PostgreSQL end an autovacuum of the table, which would be in the way.
CREATE OR REPLACE PROCEDURE end_first_partition()
LANGUAGE plpgsql
AS $$
DECLARE
    ends_before bigint;
BEGIN
    WHILE to_regclass('public.inventory_history_first') IS NOT NULL LOOP
        IF log_partitions_end() = 9223372036854775807 THEN
            LOCK TABLE inventory_history_first IN SHARE UPDATE EXCLUSIVE MODE;
            PERFORM set_config('lock_timeout', '200ms', true);
            LOCK TABLE inventory_history_first IN ACCESS EXCLUSIVE MODE;
            -- There is room for what is written until the partition is attached again, and more. Should that not
            -- suffice, extend_log() removes the constraint, so that no write fails.
            SELECT last_value + log_partition_events() INTO ends_before FROM inventory_history_event_id_seq;
            EXECUTE format(
                'ALTER TABLE inventory_history_first'
                ' ADD CONSTRAINT inventory_history_end CHECK (event_id < %s) NOT VALID',
                ends_before
            );
            PERFORM set_log_partitions_end(ends_before);
            COMMIT;
        END IF;
        BEGIN
            ALTER TABLE inventory_history_first VALIDATE CONSTRAINT inventory_history_end;
        EXCEPTION WHEN undefined_object THEN
            CONTINUE; -- extend_log() has removed it
        END;
        COMMIT;
        LOCK TABLE inventory_history_first IN SHARE UPDATE EXCLUSIVE MODE;
        PERFORM set_config('lock_timeout', '200ms', true);
        LOCK TABLE ONLY inventory_history, inventory_history_first IN ACCESS EXCLUSIVE MODE;
        ends_before := log_partitions_end();
        IF ends_before < 9223372036854775807 THEN
            ALTER TABLE inventory_history DETACH PARTITION inventory_history_first;
            PERFORM attach_partition('inventory_history_first', NULL, ends_before);
            ALTER TABLE inventory_history_first DROP CONSTRAINT inventory_history_end;
            EXECUTE format(
                'ALTER TABLE inventory_history_first RENAME TO %I', 'inventory_history_up_to_' || ends_before - 1
            );
            PERFORM extend_log();
        END IF;
        COMMIT;
    END LOOP;
END;
$$;

-- How much time lies between the first and the last event after the floor in the partition of the first. Null if new
-- events are written to it.
CREATE OR REPLACE FUNCTION next_partition_spans() RETURNS interval
LANGUAGE sql STABLE
AS $$
    SELECT (
        SELECT h.changed_at
        FROM inventory_history AS h
        WHERE h.event_id < p.ends_before
        ORDER BY h.event_id DESC
        LIMIT 1
    ) - next.changed_at
    FROM (
        SELECT h.event_id, h.changed_at
        FROM inventory_history AS h
        WHERE h.event_id > log_floor()
        ORDER BY h.event_id
        LIMIT 1
    ) AS next
    JOIN log_partitions() AS p
        ON (p.starts_at IS NULL OR p.starts_at <= next.event_id)
        AND next.event_id < p.ends_before
    WHERE p.ends_before <= log_head()
$$;

-- Replace the partitions that have only events up to this one by what is kept of them: the last events of existing
-- items. A call does a part of this, for this number of rows, and returns the number of rows that it has processed, 0
-- when there is nothing to do, and null when it can't lock the log at the moment.
--
-- What is kept is copied to a new table, while the old partitions are read as before. It stays the same meanwhile,
-- except that an item may be changed or deleted. Then an event is kept that need not be, until the next time. When all
-- is copied, the old partitions are dropped, the new table is attached in their place, and the floor moves past them,
-- in one short transaction. It is sound for concurrent readers:
--   - The transaction waits for statements and transactions that have begun to read the log. They see the old
--     partitions and the old floor to their end.
--   - A statement that names the log locks it before it takes its snapshot. If it must wait for this transaction, its
--     snapshot has the new partition and the new floor.
--   - A client of the stream is sent events of a range of ids, and its service reads the floor in a later statement. If
--     the range was read from the new partition, then the floor is the new one, and the client gets a reset.
--   - A transaction that reads a past state in one snapshot could take the snapshot before this transaction, and read
--     the partitions after it. So could a statement that reads the log only in a function, such as log_event_at(). So
--     both are preceded by lock_log (sql/queries/history.sql).
--   - The partition of the last event is never replaced, so the head does not depend on the floor.
CREATE OR REPLACE FUNCTION replace_old_partitions(reach bigint, batch integer) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    done      inventory_history_reduction;
    up_to     bigint; -- the end of the new partition
    new       text;   -- its name
    processed integer;
    copied    bigint; -- what is kept of the events up to here had been copied before
    movements bigint[];
    old       regclass;
BEGIN
    SELECT r.* INTO STRICT done FROM inventory_history_reduction AS r;

    -- Movements have lost their lines with the last partitions.
    IF done.next_up_to IS NULL AND done.swept_movements < done.last_movement THEN
        movements := ARRAY(
            SELECT m.id
            FROM movement AS m
            WHERE m.id > done.swept_movements
              AND m.id <= done.last_movement
            ORDER BY m.id
            LIMIT batch
        );
        DELETE FROM movement AS m
        WHERE m.id = ANY (movements)
          AND NOT EXISTS (SELECT FROM inventory_history AS h WHERE h.movement = m.id);
        UPDATE inventory_history_reduction
        SET swept_movements = coalesce(movements[cardinality(movements)], done.last_movement);
        RETURN cardinality(movements) + 1;
    END IF;

    -- Ids without an event may follow the last old event.
    reach := coalesce((SELECT min(h.event_id) - 1 FROM inventory_history AS h WHERE h.event_id > reach), reach);
    up_to := coalesce(done.next_up_to, (
        SELECT max(p.ends_before) - 1
        FROM log_partitions() AS p
        WHERE p.ends_before - 1 <= reach
          AND p.ends_before <= log_head()
    ));
    IF (up_to > done.reduced_up_to AND up_to <= reach) IS NOT TRUE THEN
        RETURN 0;
    END IF;
    new := 'inventory_history_kept_up_to_' || up_to;
    IF done.next_up_to IS NULL THEN
        EXECUTE format('DROP TABLE IF EXISTS public.%I', new); -- left over where a dump was loaded
        PERFORM create_partition(new);
        EXECUTE format(
            'ALTER TABLE public.%I ADD CONSTRAINT inventory_history_end CHECK (event_id < %s)', new, up_to + 1
        );
        UPDATE inventory_history_reduction SET next_up_to = up_to, copied_up_to = 0, latest_change = '-infinity';
        RETURN 1;
    END IF;

    copied := done.copied_up_to;
    SELECT count(*), max(next.event_id), greatest(done.latest_change, max(next.changed_at)),
           greatest(done.last_movement, max(next.movement))
    INTO processed, done.copied_up_to, done.latest_change, done.last_movement
    FROM (
        SELECT h.event_id, h.changed_at, h.movement
        FROM inventory_history AS h
        WHERE h.event_id > done.copied_up_to
          AND h.event_id <= up_to
        ORDER BY h.event_id
        LIMIT batch
    ) AS next;
    IF processed > 0 THEN
        EXECUTE format(
            'INSERT INTO public.%I'
            ' SELECT h.*'
            ' FROM inventory_history AS h'
            ' WHERE h.event_id > $1'
            ' AND h.event_id <= $2'
            ' AND EXISTS (SELECT FROM inventory AS i WHERE i.id = h.item_id)'
            ' AND NOT EXISTS (SELECT FROM inventory_history AS newer'
            '                 WHERE newer.item_id = h.item_id AND newer.event_id > h.event_id)',
            new
        ) USING copied, done.copied_up_to;
        UPDATE inventory_history_reduction
        SET copied_up_to = done.copied_up_to, latest_change = done.latest_change, last_movement = done.last_movement;
        RETURN processed;
    END IF;

    BEGIN -- do not wait for long, since all statements would wait behind this: it is tried again in a minute
        PERFORM set_config('lock_timeout', '200ms', true);
        LOCK TABLE ONLY inventory_history IN ACCESS EXCLUSIVE MODE;
        FOR old IN SELECT p.partition FROM log_partitions() AS p WHERE p.ends_before - 1 <= up_to LOOP
            EXECUTE format('DROP TABLE %s', old);
        END LOOP;
    EXCEPTION WHEN lock_not_available THEN
        RETURN NULL;
    END;
    PERFORM attach_partition(new, NULL, up_to + 1);
    -- With this constraint, PostgreSQL did not have to read the rows to attach them.
    EXECUTE format('ALTER TABLE public.%I DROP CONSTRAINT inventory_history_end', new);
    UPDATE inventory_history_floor
    SET event_id = greatest(event_id, up_to), changed_at = greatest(changed_at, done.latest_change);
    UPDATE inventory_history_reduction SET reduced_up_to = up_to, next_up_to = NULL, swept_movements = 0;
    RETURN 1;
END;
$$;

-- If events are being copied, begin anew: this version may have other columns.
DO $$
DECLARE
    unfinished bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(5310, 4); -- that of prune_history()
    SELECT next_up_to INTO unfinished FROM inventory_history_reduction;
    IF unfinished IS NOT NULL THEN
        EXECUTE format('DROP TABLE IF EXISTS public.%I', 'inventory_history_kept_up_to_' || unfinished);
        UPDATE inventory_history_reduction SET next_up_to = NULL;
    END IF;
END;
$$;
