"""The live subscribers: those at the head of the log. New events are written to them in one pass.

Subscribers with the same filter form a group. A group's bytes are encoded once, and only groups that want an event are
visited. So a pass is little more than a loop over writes.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import structlog

from stream_service import frames, metrics
from stream_service.connection import DirectConnection, chunk
from stream_service.ring import join

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from shared.log.position import Position
    from stream_service.filters import Filter
    from stream_service.ring import Frame
    from stream_service.subscriber import Subscriber


log = structlog.get_logger()


class Group:
    """Live subscribers with the same filter."""

    __slots__ = ("members", "sent_position", "wanted")

    def __init__(self, wanted: Filter | None) -> None:
        self.wanted = wanted
        self.members: dict[Subscriber, DirectConnection] = {}
        self.sent_position: int | None = None  # the last position that the members were sent; None if they differ


class _GroupIndex:
    """Groups by the items or the locations that they want."""

    def __init__(self) -> None:
        self._groups: defaultdict[int, dict[Group, None]] = defaultdict(dict)  # dicts keep the order of their keys

    def get(self, key: int) -> Collection[Group]:
        return self._groups.get(key, ())

    def add(self, keys: Iterable[int], group: Group) -> None:
        for key in keys:
            self._groups[key][group] = None

    def discard(self, keys: Iterable[int], group: Group) -> None:
        for key in keys:
            groups = self._groups[key]
            del groups[group]
            if not groups:
                del self._groups[key]


class Live:
    """All live subscribers, in groups."""

    def __init__(self) -> None:
        self._groups: dict[Filter | None, Group] = {}
        self._by_item = _GroupIndex()  # groups with a filter by item
        self._by_location = _GroupIndex()  # groups with a filter by location only
        self._indirect: dict[Subscriber, None] = {}  # those that can't be written to directly: they send in a task

    def add(self, subscriber: Subscriber) -> None:
        """Add a subscriber that was sent everything up to the head."""
        connection = subscriber.connection
        if not isinstance(connection, DirectConnection):
            self._indirect[subscriber] = None
            return
        group = self._groups.get(subscriber.wanted)
        if group is None:
            group = self._add_group(subscriber.wanted)
            group.sent_position = subscriber.sent_position
        elif group.sent_position != subscriber.sent_position:
            group.sent_position = None
        group.members[subscriber] = connection

    def discard(self, subscriber: Subscriber) -> None:
        """Remove a subscriber, if it is live."""
        self._indirect.pop(subscriber, None)
        group = self._groups.get(subscriber.wanted)
        if group is not None and subscriber in group.members:
            self._remove(group, subscriber)

    def publish(self, events: Sequence[Frame], head: int) -> None:
        """Write these events, which lead to the head, to all who want them."""
        everyone = self._groups.get(None)
        if everyone is not None:
            self._write_events(everyone, events, head)
        for group, wanted in self._by_group(events).items():
            self._write_events(group, wanted, head)
        self._catch_up_indirect()

    def send_heartbeat(self, heartbeat: bytes, head: Position) -> None:
        """Write a heartbeat to everyone, after the position of the head where that was not sent yet."""
        with_position = frames.progress(str(head)) + heartbeat
        for group in list(self._groups.values()):
            data = heartbeat if group.sent_position == head.event_id else with_position
            self._write(group, data, head.event_id, head.event_id)
        self._catch_up_indirect()

    def catch_up_all(self) -> None:
        """Have everyone catch up: the log was replaced."""
        for group in list(self._groups.values()):
            for subscriber in list(group.members):
                self._remove(group, subscriber)
                subscriber.catch_up()
        self._catch_up_indirect()

    def _catch_up_indirect(self) -> None:
        """Have those catch up that can't be written to directly."""
        indirect, self._indirect = self._indirect, {}
        for subscriber in indirect:
            subscriber.catch_up()

    def _by_group(self, events: Sequence[Frame]) -> dict[Group, list[Frame]]:
        """The events that each group with a filter wants."""
        selected: defaultdict[Group, list[Frame]] = defaultdict(list)
        for event in events:
            for group in self._by_item.get(event.item_id):
                if group.wanted is not None and group.wanted.matches(event):
                    selected[group].append(event)
            for group in self._by_location.get(event.location):
                selected[group].append(event)
        return selected

    def _write_events(self, group: Group, events: Sequence[Frame], head: int) -> None:
        span = join(events, 0, head)
        last = events[-1].event_id if span.end == head else span.end
        self._write(group, span.data, last, span.end)
        if span.end < head:  # a long span: the others follow at each subscriber's own pace
            for subscriber in list(group.members):
                self._remove(group, subscriber)
                subscriber.catch_up(span.end)

    def _write(self, group: Group, data: bytes, position: int, end: int) -> None:
        """Write bytes whose last id is ``position`` to all members. Slow ones go on after the event ``end``."""
        framed, slow, gone = chunk(data), [], []
        for subscriber, connection in group.members.items():
            try:
                connection.write(framed)
            except (OSError, RuntimeError):  # uvloop raises a RuntimeError for a closed connection
                gone.append(subscriber)
            except Exception:  # must not affect the others
                log.exception("a write to a stream failed")
                gone.append(subscriber)
            else:
                if connection.unsent_bytes():
                    slow.append(subscriber)
        metrics.BYTES.inc(len(data) * len(group.members))
        group.sent_position = position
        for subscriber in slow:
            self._remove(group, subscriber)
            subscriber.catch_up(end)
        for subscriber in gone:
            self._remove(group, subscriber)
            subscriber.end()

    def _add_group(self, wanted: Filter | None) -> Group:
        group = self._groups[wanted] = Group(wanted)
        index, keys = self._index_of(wanted)
        index.add(keys, group)
        return group

    def _index_of(self, wanted: Filter | None) -> tuple[_GroupIndex, Collection[int]]:
        """Where groups with this filter are found, and under which keys."""
        if wanted is None:
            return self._by_item, ()
        if wanted.item_ids is not None:
            return self._by_item, wanted.item_ids
        return self._by_location, wanted.locations or ()

    def _remove(self, group: Group, subscriber: Subscriber) -> None:
        del group.members[subscriber]
        subscriber.leave(group.sent_position)
        if not group.members:
            del self._groups[group.wanted]
            index, keys = self._index_of(group.wanted)
            index.discard(keys, group)
