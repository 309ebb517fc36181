"""Cursors: where a page of the stock ended. Clients send them back unchanged."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Self

from shared.log.documents import MAX_ID
from shared.log.fields import MAX_QUANTITY

if TYPE_CHECKING:
    from api_service.http.models import Sort

MAX_CURSOR_LENGTH = 4_000


class Cursor(NamedTuple):
    """The last item of a page: the order of the list, the item's sort key as text, and its id."""

    sort: Sort
    key: str
    item_id: int

    @classmethod
    def decode(cls, token: str, sort: Sort) -> Self:
        """Raises ValueError for a token that encode() did not make, or made for another order."""
        try:
            if len(token) > MAX_CURSOR_LENGTH:
                raise ValueError
            padded = token + "=" * (-len(token) % 4)
            made_for, key, item_id = json.loads(base64.b64decode(padded, b"-_", validate=True))
            if made_for != sort or type(item_id) is not int or not 0 < item_id <= MAX_ID:
                raise ValueError
            return cls(sort, _checked_key(key, sort), item_id)
        except (ValueError, TypeError, RecursionError):
            raise ValueError("must be from the `Link` of a page in the same order") from None

    def encode(self) -> str:
        document = json.dumps(self, separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(document).decode().rstrip("=")


def _checked_key(key: object, sort: Sort) -> str:
    """Check that the database can parse this key, and return it. Raises ValueError."""
    if not isinstance(key, str) or "\0" in key:
        raise ValueError
    key.encode()
    if not sort.endswith("name") and not key.isascii():
        raise ValueError  # Python accepts digits of other scripts, PostgreSQL does not
    if sort.endswith("updated_at"):
        datetime.strptime(key, "%Y-%m-%dT%H:%M:%S.%fZ")
    elif sort.endswith("quantity") and not (key.isdigit() and int(key) <= MAX_QUANTITY):
        raise ValueError
    return key
