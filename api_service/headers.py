"""The headers that requests may have and answers have, as they are documented. Their reading is in requests.py."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api_service.models import LONGEST_ACTOR
from shared.documents import POSITION_PATTERN

ENTITY_TAG = r'^"[^"]+"$'

# Printable, and no space at either end. (Beyond Latin-1 there are more that are not.)
_INK = r"[^\x00-\x20\x7f-\xa0\xad]"
ACTOR = rf"^{_INK}([^\x00-\x1f\x7f-\xa0\xad]{{0,{LONGEST_ACTOR - 2}}}{_INK})?$"


class Headers(BaseModel):
    model_config = ConfigDict(populate_by_name=True)


# Of requests --------------------------------------------------------------------------------------------------------

IfNoneMatch = Annotated[
    str | None,
    Field(alias="If-None-Match", description="The `ETag` that the client has: if it is still that, the answer is 304"),
]
IfMatch = Annotated[
    str | None,
    Field(alias="If-Match", description="ETags or versions: if the item has none of these now, the answer is 412"),
]
IdempotencyKey = Annotated[
    str | None,
    Field(
        alias="Idempotency-Key",
        pattern="^[!-~]{1,255}$",
        description="A name for this change, new for each: sent again with it, it is not made again but answered again",
    ),
]
Actor = Annotated[
    str | None,
    Field(alias="X-Actor", pattern=ACTOR, description="Who does it, as the log shows it; in UTF-8", examples=["ann"]),
]


class Conditional(Headers):
    """What reads may have."""

    if_none_match: IfNoneMatch = None


class Write(Headers):
    """What every write may have."""

    x_actor: Actor = None


class ConditionalWrite(Write):
    if_match: IfMatch = None


class RepeatableWrite(Write):
    idempotency_key: IdempotencyKey = None


class RepeatableConditionalWrite(ConditionalWrite, RepeatableWrite):
    pass


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
Stand = Annotated[
    str,
    Field(
        alias="Last-Event-ID",
        pattern=POSITION_PATTERN,
        description="Where the log stood: this answer and every event after it are the table, exactly",
        examples=["3f9c01ab-1042"],
    ),
]
NextPage = Annotated[
    str | None,
    Field(
        alias="Link",
        pattern=r'^<[^>]+>; rel="next"$',
        description="Where the next page is; not there on the last",
        examples=['</api/inventories?limit=100&after=WyJuYW1lIl0>; rel="next"'],
    ),
]
Replayed = Annotated[
    str | None,
    Field(
        alias="Idempotent-Replayed", pattern="^true$", description="There if this is the answer to an earlier request"
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
            description="Where the item is",
            examples=["/api/inventories/7"],
        ),
    ]


class Imported(Headers):
    idempotent_replayed: Replayed = None


class Paged(Headers):
    link: NextPage = None


class Listed(Paged):
    last_event_id: Stand
    etag: Annotated[
        str,
        Field(alias="ETag", pattern=ENTITY_TAG, description="For `If-None-Match`", examples=['"3f9c01ab-1042-9c1e02"']),
    ]


class Exported(Headers):
    last_event_id: Stand
    content_disposition: Annotated[
        str,
        Field(
            alias="Content-Disposition",
            description="The name of the file",
            examples=['attachment; filename="stock-3f9c01ab-1042.csv"'],
        ),
    ]


class Refused(Headers):
    """What a refusal that shows the item as it is has."""

    etag: Annotated[
        str | None,
        Field(
            alias="ETag", pattern=ENTITY_TAG, description="That of `current`, if it is there", examples=['"3-9c1e02"']
        ),
    ] = None


class Unavailable(Headers):
    retry_after: Annotated[
        int | None, Field(alias="Retry-After", ge=1, description="When to try again (s)", examples=[2])
    ] = None
