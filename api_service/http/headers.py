"""The headers of requests and answers, as models."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from werkzeug.datastructures import ETags
from werkzeug.http import parse_etags

from shared.log.position import POSITION_PATTERN
from shared.web.problems import Problem

MAX_ACTOR_LENGTH = 200
KEY_PATTERN = "^[!-~]{1,255}$"
ENTITY_TAG = r'^"[^"]+"$'
ITEM_TAG = re.compile(r"([0-9]{1,18})(-[0-9a-f]{6})?")

# Printable characters, without a space at either end. Beyond Latin-1, parse_actor() is stricter than this pattern.
_VISIBLE = r"[^\x00-\x20\x7f-\xa0\xad]"
ACTOR_PATTERN = rf"^{_VISIBLE}([^\x00-\x1f\x7f-\xa0\xad]{{0,{MAX_ACTOR_LENGTH - 2}}}{_VISIBLE})?$"


class Headers(BaseModel):
    model_config = ConfigDict(populate_by_name=True, arbitrary_types_allowed=True)


# Of requests --------------------------------------------------------------------------------------------------------


def parse_actor(value: str) -> str:
    """Who makes a change. Raises a 400 problem."""
    try:
        name = value.encode("latin-1").decode("utf-8").strip()
    except UnicodeDecodeError:
        raise Problem(HTTPStatus.BAD_REQUEST, "X-Actor must be UTF-8.") from None
    if not 1 <= len(name) <= MAX_ACTOR_LENGTH or not name.isprintable():
        raise Problem(HTTPStatus.BAD_REQUEST, f"X-Actor must be 1 to {MAX_ACTOR_LENGTH} printable characters.")
    return name


def parse_key(value: str) -> str:
    """The client's name for a change. Raises a 400 problem."""
    if not re.fullmatch(KEY_PATTERN, value):
        raise Problem(HTTPStatus.BAD_REQUEST, "Idempotency-Key must be 1 to 255 printable ASCII characters, no spaces.")
    return value


def parse_versions(value: str) -> list[int] | None:
    """The versions that If-Match allows; None for any.

    A tag is an item's ETag (`"3-9c1e02"`) or its version (`"3"`): a write does not
    depend on which fields documents have.
    """
    tags = parse_etags(value)
    if tags.star_tag:
        return None
    matches = (ITEM_TAG.fullmatch(tag or "") for tag in tags.as_set())  # an empty tag is None
    return [int(match[1]) for match in matches if match]


Text = WithJsonSchema({"type": "string"})

IfNoneMatch = Annotated[
    ETags,
    BeforeValidator(parse_etags),
    Text,
    Field(alias="If-None-Match", description="The `ETag` that the client has. If it is unchanged, the answer is 304"),
]
IfMatch = Annotated[
    list[int] | None,
    BeforeValidator(parse_versions),
    Text,
    Field(alias="If-Match", description="ETags or versions. If the item's is none of these, the answer is 412"),
]
IdempotencyKey = Annotated[
    str | None,
    BeforeValidator(parse_key),
    WithJsonSchema({"type": "string", "pattern": KEY_PATTERN}),
    Field(
        alias="Idempotency-Key",
        description="A unique name for this change. A request that repeats it gets the same answer and changes nothing",
    ),
]
Actor = Annotated[
    str | None,
    BeforeValidator(parse_actor),
    WithJsonSchema({"type": "string", "pattern": ACTOR_PATTERN, "examples": ["ann"]}),
    Field(
        alias="X-Actor",
        description="Who makes the change, as the log shows it; in UTF-8. Without it, the database's role",
    ),
]


class Conditional(Headers):
    """Headers of reads."""

    if_none_match: IfNoneMatch = Field(default_factory=ETags)


class Write(Headers):
    """Headers of every write."""

    actor: Actor = None


class ConditionalWrite(Write):
    """Headers of a write that may depend on the item's version."""

    versions: IfMatch = None


class RepeatableWrite(Write):
    """Headers of a write that is made once, however often it is sent with the same key."""

    key: IdempotencyKey = None


class RepeatableConditionalWrite(ConditionalWrite, RepeatableWrite):
    """Headers of a write that is made once, and may depend on the item's version."""


# Of answers ---------------------------------------------------------------------------------------------------------

Version = Annotated[
    str,
    Field(
        alias="ETag",
        pattern=ENTITY_TAG,
        description="Names the item's version, for `If-Match` and `If-None-Match`",
        examples=['"3-9c1e02"'],
    ),
]
Position = Annotated[
    str,
    Field(
        alias="Last-Event-ID",
        pattern=POSITION_PATTERN,
        description="The last event of the log in this answer. Apply every event after it to stay current",
        examples=["3f9c01ab-1042"],
    ),
]
NextPage = Annotated[
    str | None,
    Field(
        alias="Link",
        pattern=r'^<[^>]+>; rel="next"$',
        description="The next page; absent on the last",
        examples=['</api/inventories?limit=100&after=WyJuYW1lIl0>; rel="next"'],
    ),
]
Replayed = Annotated[
    str | None,
    Field(
        alias="Idempotent-Replayed", pattern="^true$", description="Present if the answer is that of an earlier request"
    ),
]


class Versioned(Headers):
    etag: Version


class RepeatableVersioned(Versioned):
    idempotent_replayed: Replayed = None


class Created(RepeatableVersioned):
    location: Annotated[
        str,
        Field(
            alias="Location",
            pattern="^/api/inventories/[0-9]+$",
            description="The path of the item",
            examples=["/api/inventories/7"],
        ),
    ]


class Booked(Headers):
    """Headers of an answer with a new movement."""

    location: Annotated[
        str | None,
        Field(
            alias="Location",
            pattern="^/api/movements/[0-9]+$",
            description="The path of the movement; absent if no quantity has changed",
            examples=["/api/movements/31"],
        ),
    ] = None
    idempotent_replayed: Replayed = None


class Imported(Headers):
    idempotent_replayed: Replayed = None


class Paged(Headers):
    link: NextPage = None


class Listed(Paged):
    last_event_id: Position
    etag: Annotated[
        str,
        Field(alias="ETag", pattern=ENTITY_TAG, description="For `If-None-Match`", examples=['"3f9c01ab-1042-9c1e02"']),
    ]


class Exported(Headers):
    last_event_id: Position
    content_disposition: Annotated[
        str,
        Field(
            alias="Content-Disposition",
            description="The name of the file",
            examples=['attachment; filename="stock-3f9c01ab-1042.csv"'],
        ),
    ]


class Refused(Headers):
    """Headers of a problem that shows the current item."""

    etag: Annotated[
        str | None,
        Field(alias="ETag", pattern=ENTITY_TAG, description="The ETag of `current`", examples=['"3-9c1e02"']),
    ] = None


class Unavailable(Headers):
    retry_after: Annotated[
        int | None, Field(alias="Retry-After", ge=1, description="When to try again (s)", examples=[2])
    ] = None
