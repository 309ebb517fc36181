-- The timeline on which the log was last written, so that a standby knows whose log it has: see log_epoch(). One row.

CREATE TABLE inventory_history_timeline (
    timeline text NOT NULL
);
CREATE UNIQUE INDEX inventory_history_one_timeline ON inventory_history_timeline ((true));
INSERT INTO inventory_history_timeline (timeline) VALUES (left(pg_walfile_name(pg_current_wal_insert_lsn()), 8));

GRANT SELECT ON inventory_history_timeline TO stockstream_api, stockstream_stream;
