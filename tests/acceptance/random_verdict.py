"""Checks the responses to concurrent changes: each must follow from the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.log.fields import FIELDS
from tests.acceptance.random_changes import COLUMNS, MAX_QUANTITY, Answer, Sent

if TYPE_CHECKING:
    from tests.acceptance.log import Event, Item, State


WRITTEN_FIELDS = [name for name in COLUMNS if name in FIELDS]


def _written_fields(row: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that an import row sets. An empty cell clears a field."""
    return {name: None if row[name] == "" else row[name] for name in WRITTEN_FIELDS}


def _derived_fields(item: Item) -> Item:
    """Return the fields that the database sets on every change."""
    return {name: item[name] for name in ("version", "updated_at")}


class Verdict:
    """Checks the responses to a batch of changes against its events and the states between them."""

    def __init__(self, log: list[Event], events: list[Event], before: State) -> None:
        self.log = log
        self.events = events
        self.before = before

    def documents(self, item_id: int) -> list[Item | None]:
        """Return every document that a request of the batch may have found; None if the item did not exist."""
        return [self.before.get(item_id), *(event.after for event in self.events if event.item_id == item_id)]

    def check(self, sent: Sent) -> None:
        events = [event for event in self.events if event.actor == sent.actor]
        made = [answer for answer in sent.answers if answer.is_made and not answer.is_replay]
        for answer in sent.answers:
            if answer.is_replay:
                assert answer.document == made[0].document
            elif not answer.is_made:
                self.check_refusal(sent, answer)
        assert len(made) <= 1
        if not made:
            assert events == [], "a refused change has logged an event"
        else:
            getattr(self, f"check_{sent.change.kind}")(sent, made[0].document, events)

    def check_create(self, sent: Sent, document: Any, events: list[Event]) -> None:
        (event,) = events
        assert (event.operation, event.after) == ("INSERT", document)
        assert {name: document[name] for name in FIELDS} == dict.fromkeys(FIELDS) | sent.change.fields
        assert document["version"] == 1

    def check_set(self, sent: Sent, document: Any, events: list[Event]) -> None:
        self._check_update(sent, document, events, lambda found: found | sent.change.fields)

    def check_adjust(self, sent: Sent, document: Any, events: list[Event]) -> None:
        self._check_update(
            sent, document, events, lambda found: found | {"quantity": found["quantity"] + sent.change.adjust}
        )

    def _check_update(self, sent: Sent, document: Any, events: list[Event], become: Any) -> None:
        if not events:
            assert document in self.documents(sent.item_id)
            assert become(document) == document, "no event was logged for an effective change"
            found = document
        else:
            (event,) = events
            assert (event.operation, event.after, event.item_id) == ("UPDATE", document, sent.item_id)
            assert event.before is not None
            found = event.before
            rewritten = {"version": found["version"] + 1, "updated_at": document["updated_at"]}
            assert document == become(found) | rewritten
        assert sent.version in {None, found["version"]}

    def check_delete(self, sent: Sent, document: Any, events: list[Event]) -> None:
        (event,) = events
        assert (event.operation, event.item_id) == ("DELETE", sent.item_id)
        assert event.before is not None
        assert sent.version in {None, event.before["version"]}

    def check_restore(self, sent: Sent, document: Any, events: list[Event]) -> None:
        (event,) = events
        deletion = [one for one in self.log if one.item_id == sent.item_id and one.id < event.id][-1]
        assert (event.operation, event.after, deletion.operation) == ("INSERT", document, "DELETE")
        assert deletion.before is not None
        rewritten = {"version": deletion.before["version"] + 2, "updated_at": document["updated_at"]}
        assert document == deletion.before | rewritten

    def check_import(self, sent: Sent, document: Any, events: list[Event]) -> None:
        known = {row["id"]: row for row in sent.rows if row["id"]}
        created = [event.after for event in events if event.operation == "INSERT"]
        updated = [event for event in events if event.operation == "UPDATE"]
        assert document == {
            "created": len(created),
            "updated": len(updated),
            "unchanged": len(known) - len(updated),
        }
        new = [_written_fields(row) for row in sent.rows if not row["id"]]
        assert [{name: item[name] for name in WRITTEN_FIELDS} for item in created if item] == new
        for event in updated:
            assert event.before is not None
            assert event.after is not None
            row = known.pop(event.item_id)
            assert event.after == event.before | _written_fields(row) | _derived_fields(event.after)
            assert row["version"] in {"", event.before["version"]}
        for item_id, row in known.items():
            assert any(
                found and found == found | _written_fields(row) and row["version"] in {"", found["version"]}
                for found in self.documents(item_id)
            ), "no event was logged for an effective change"
        self._check_one_transaction(events)

    def check_bulk(self, sent: Sent, document: Any, events: list[Event]) -> None:
        assert len(events) == document
        for event in events:
            assert event.before is not None
            assert event.after is not None
            assert event.after["quantity"] == event.before["quantity"] + 1
        self._check_one_transaction(events)

    def _check_one_transaction(self, events: list[Event]) -> None:
        """Check that no other change's events come between these."""
        if events:
            first = self.events.index(events[0])
            assert self.events[first : first + len(events)] == events

    def check_refusal(self, sent: Sent, answer: Answer) -> None:
        """Check that the refusal was correct at some moment while the request was in progress."""
        found = self.documents(sent.item_id)
        there = [document for document in found if document is not None]
        if answer.document and "current" in answer.document:
            assert answer.document["current"] in there
        match answer.status, sent.change.kind:
            case 404, "set" | "adjust" | "delete" | "restore":
                assert None in found
            case 412, "set" | "adjust" | "delete":
                assert any(document is None or document["version"] != sent.version for document in found)
            case 409, "adjust":
                quantities = [document["quantity"] + sent.change.adjust for document in there]
                assert any(not 0 <= quantity <= MAX_QUANTITY for quantity in quantities) or (
                    None in found and "same moment" in answer.document["detail"]
                )
            case 409, "restore":
                assert there
            case 422, "import":
                ids = [row["id"] for row in sent.rows if row["id"]]
                assert len(set(ids)) < len(ids) or any(self._may_be_refused(row) for row in sent.rows if row["id"])
            case status, kind:
                raise AssertionError(f"{kind} was answered {status}: {answer.document}")

    def _may_be_refused(self, row: dict[str, Any]) -> bool:
        return any(
            document is None or row["version"] not in {"", document["version"]}
            for document in self.documents(row["id"])
        )
