"""Where a page of the stock ended, as clients hand it back: opaque to them, checked here."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Self

from shared.log.documents import LARGEST_ID
from shared.log.fields import LARGEST_QUANTITY

if TYPE_CHECKING:
    from api_service.http.models import Sort

LONGEST_CURSOR = 4_000


class Cursor(NamedTuple):
    """The last item of a page, in the order that the page had: its key, as text, and its id."""

    sort: Sort
    key: str
    item_id: int

    @classmethod
    def decode(cls, token: str, sort: Sort) -> Self:
        """Raises ValueError for what encode() has not made, or not for this order."""
        try:
            if len(token) > LONGEST_CURSOR:
                raise ValueError
            padded = token + "=" * (-len(token) % 4)
            made_for, key, item_id = json.loads(base64.b64decode(padded, b"-_", validate=True))
            if made_for != sort or type(item_id) is not int or not 0 < item_id <= LARGEST_ID:
                raise ValueError
            return cls(sort, _checked_key(key, sort), item_id)
        except (ValueError, TypeError, RecursionError):
            raise ValueError("must be from the `Link` of a page in the same order") from None

    def encode(self) -> str:
        document = json.dumps(self, separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(document).decode().rstrip("=")


def _checked_key(key: object, sort: Sort) -> str:
    """The database must be able to read it: whatever it can't read here would be an error there."""
    if not isinstance(key, str) or "\0" in key:
        raise ValueError
    key.encode()
    if not sort.endswith("name") and not key.isascii():
        raise ValueError  # digits of other scripts are digits to Python, and not to the database
    if sort.endswith("updated_at"):
        datetime.strptime(key, "%Y-%m-%dT%H:%M:%S.%fZ")
    elif sort.endswith("quantity") and not (key.isdigit() and int(key) <= LARGEST_QUANTITY):
        raise ValueError
    return key
