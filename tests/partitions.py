"""Small partitions of the log, so that a test reaches their bounds with few events."""

from __future__ import annotations


def small_partitions(events: int) -> str:
    """SQL that gives an empty log partitions of this many event ids."""
    return f"""
        DO $$
        DECLARE
            old regclass;
        BEGIN
            FOR old IN SELECT partition FROM log_partitions() LOOP
                EXECUTE format('DROP TABLE %s', old);
            END LOOP;
            CREATE OR REPLACE FUNCTION log_partition_events() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
                RETURN {events};
            PERFORM create_partition('inventory_history_up_to_{events}');
            PERFORM attach_partition('inventory_history_up_to_{events}', NULL, {events + 1});
            PERFORM set_log_partitions_end({events + 1});
        END;
        $$
    """
