"""Metrics of the stream: subscribers, delay, latency from commit to send, replays."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SUBSCRIBERS = Gauge("stockstream_subscribers", "Open streams", multiprocess_mode="livesum")
HEAD = Gauge("stockstream_head", "Last event id read from the log", multiprocess_mode="livemin")
CAUGHT_UP = Gauge(
    "stockstream_caught_up", "1 while the log can be read and was read to its end", multiprocess_mode="livemin"
)
COMMIT_TO_SEND = Histogram(
    "stockstream_commit_to_send_seconds",
    "From the commit of the oldest event of a pass to the end of the pass over all who are live",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
EVENTS = Counter("stockstream_events_total", "Events read from the log")
BYTES = Counter("stockstream_sent_bytes_total", "Bytes of frames sent")
STREAMS = Counter("stockstream_streams_total", "Streams by how they began", ["start"])
REPLAYS = Counter(
    "stockstream_replays_total",
    "Resumes from behind the head, by what they read first: the `ring`, or `blocks` of older events",
    ["source"],
)
SIGNED_OUT = Counter("stockstream_signed_out_total", "Streams that ended because their rights did")
RING_MISSES = Counter("stockstream_ring_misses_total", "Spans of events that had left the ring")
BROKER_TRUSTED = Gauge(
    "stockstream_broker_trusted",
    "1 while events come from the broker; without one, or while it is away, they come from the database",
    multiprocess_mode="livemin",
)
PUBLISHING = Gauge(
    "stockstream_publishing", "1 while this process publishes the log to the broker", multiprocess_mode="livesum"
)
PUBLISHED = Counter("stockstream_published_total", "Events published to the broker")
DOUBTS = Counter("stockstream_broker_doubts_total", "Times that the broker lacked events, and the database was read")
SHARED_SNAPSHOTS = Counter("stockstream_shared_snapshots_total", "Snapshots that were read from the broker")
BLOCKS = Counter(
    "stockstream_replay_blocks_total",
    "Blocks of up to 1,000 events that left the ring, by where they were read",
    ["source"],
)
STANDBY_REFUSALS = Counter(
    "stockstream_standby_refusals_total", "Blocks that the standby could not give, by the reason", ["reason"]
)
