"""Models of accounts, sessions and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from api_service.http.models import DEFAULT_PAGE_SIZE, Body, PageSize, Query, Time
from api_service.passwords import MAX_LENGTH, MIN_LENGTH, parse_password
from api_service.store.access_log import Action
from api_service.validation import IdText
from shared.access.names import MAX_NAME_LENGTH, parse_name
from shared.access.principals import Grant
from shared.access.roles import Role
from shared.log.documents import ItemId, Timestamp, drop_defaults
from shared.log.fields import CONTROL, Line, refuse_control_characters

if TYPE_CHECKING:
    from pydantic.config import JsonDict

MAX_TYPED_NAME = 200
MAX_SECRET = 200
MAX_GRANTS = 1_000


def _parse_name(value: object) -> object:
    """An AccountName. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("must be a valid string")  # not TypeError: pydantic reports only this one
    return parse_name(value)


Name = Annotated[
    Any,
    BeforeValidator(_parse_name),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH, "pattern": r"^[^\x00-\x20\x7f-\xa0\xad]+$"}
        | {"description": "Without spaces. Case does not count, and no two names may look the same"}
    ),
]
NewPassword = Annotated[
    str,
    AfterValidator(parse_password),
    WithJsonSchema(
        {"type": "string", "minLength": MIN_LENGTH, "maxLength": MAX_LENGTH, "pattern": r"^[^\x00-\x1f\x7f-\x9f]+$"}
        | {"description": "Any characters except control characters"}
    ),
]
TypedPassword = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH)]
TokenName = Annotated[str, Line(MAX_NAME_LENGTH)]
Kind = Literal["user", "service"]
RoleName = Literal["viewer", "editor", "admin"]

GRANT: JsonDict = {"location": None, "role": "editor"}
PRINCIPAL: JsonDict = {"id": 1, "name": "ann", "kind": "user"}
TIME = "2026-11-25T12:00:00.000000Z"
LATER = "2099-12-31T23:59:59Z"


# Requests -----------------------------------------------------------------------------------------------------------


class SignIn(Body):
    """A name and a password."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "ann", "password": "correct horse battery"}]})

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_TYPED_NAME),
        AfterValidator(refuse_control_characters),
        WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_TYPED_NAME, "pattern": f"^[^{CONTROL}]+$"}),
    ]
    password: TypedPassword


class SetUp(Body):
    """The secret of the set-up link, and the first admin's name and password."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"token": "the end of the link", "name": "ann", "password": "correct horse battery"}]
        }
    )

    token: Annotated[str, StringConstraints(min_length=1, max_length=MAX_SECRET)]
    name: Name
    password: NewPassword


class PasswordChange(Body):
    """The present password, and the new one."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"old": "correct horse battery", "new": "staple correct horse"}]}
    )

    old: TypedPassword
    new: NewPassword


class NewGrant(Body):
    """A role at a location; null stands for all locations."""

    model_config = ConfigDict(json_schema_extra={"examples": [GRANT]})

    location: ItemId | None = None
    role: RoleName

    @model_validator(mode="after")
    def _admins_are_everywhere(self) -> Self:
        if self.role == "admin" and self.location is not None:
            raise ValueError("admin is a role for all locations")
        return self


Grants = Annotated[list[NewGrant], Field(max_length=MAX_GRANTS)]


class NewAccount(Body):
    """An account to create. A user signs in with the password; a service sends a token instead."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "bob", "password": "correct horse battery", "grants": [GRANT]}]}
    )

    name: Name
    kind: Kind = "user"
    password: NewPassword | None = None
    active: bool = True
    grants: Grants = Field([])


def _without_defaults(schema: dict[str, Any]) -> None:
    drop_defaults(schema)
    schema["examples"] = [{"active": False}]


class AccountChange(Body):
    """New values of an account. Fields that are left out keep theirs; `grants` replaces all grants."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: Name = None
    password: NewPassword = ""
    active: bool = True
    grants: Grants = Field([])


class NewToken(Body):
    """A token to create."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"account": 2, "name": "scanner at dock 3", "expires_at": LATER}]}
    )

    account: Annotated[ItemId, Field(description="Id of the account that the token acts for")]
    name: TokenName
    expires_at: Annotated[Time | None, Field(description="When it stops working; null: never")] = None
    speaks_for_others: Annotated[bool, Field(description="Whether its changes may name another actor in X-Actor")] = (
        False
    )


class AccessLogQuery(Query):
    limit: PageSize = Field(DEFAULT_PAGE_SIZE, description="Entries per page")
    after: IdText | None = Field(None, description="`id` of the last entry of the previous page")


# Answers ------------------------------------------------------------------------------------------------------------


class PrincipalDocument(BaseModel):
    """A user or a service."""

    model_config = ConfigDict(json_schema_extra={"examples": [PRINCIPAL]})

    id: ItemId
    name: str
    kind: Kind


class GrantDocument(BaseModel):
    """A role at a location; null stands for all locations."""

    model_config = ConfigDict(json_schema_extra={"examples": [GRANT]})

    location: ItemId | None
    role: RoleName


class SessionDocument(BaseModel):
    """Who is signed in, and what they may do. With `auth` open there are no accounts, and everything is allowed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"auth": "login", "principal": PRINCIPAL, "grants": [GRANT]}]}
    )

    auth: Literal["open", "login", "proxy"]
    principal: PrincipalDocument | None
    grants: list[GrantDocument]


class OwnSession(BaseModel):
    """A browser in which somebody is signed in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 3,
                    "current": True,
                    "address": "192.0.2.7",
                    "user_agent": "Mozilla/5.0",
                    "created_at": TIME,
                    "used_at": TIME,
                }
            ]
        }
    )

    id: ItemId
    current: Annotated[bool, Field(description="Whether it is the one that sent this request")]
    address: str
    user_agent: str
    created_at: Timestamp
    used_at: Annotated[Timestamp, Field(description="Last use, to the minute")]


class AccountDocument(BaseModel):
    """An account."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 1,
                    "kind": "user",
                    "name": "ann",
                    "active": True,
                    "has_password": True,
                    "created_at": TIME,
                    "grants": [GRANT],
                }
            ]
        }
    )

    id: ItemId
    kind: Kind
    name: str
    active: Annotated[bool, Field(description="If false, its sessions and tokens do not work")]
    has_password: bool
    created_at: Timestamp
    grants: list[GrantDocument]


TOKEN: JsonDict = {
    "id": 4,
    "account": 2,
    "name": "scanner at dock 3",
    "speaks_for_others": False,
    "created_at": TIME,
    "expires_at": None,
    "used_at": None,
}


class TokenDocument(BaseModel):
    """A token, without its secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [TOKEN]})

    id: ItemId
    account: ItemId
    name: str
    speaks_for_others: bool
    created_at: Timestamp
    expires_at: Timestamp | None
    used_at: Annotated[Timestamp | None, Field(description="Last use, to the minute")]


class CreatedToken(TokenDocument):
    """A new token. Its secret is shown only now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**TOKEN, "token": "sst_" + "0" * 43}]})

    token: Annotated[str, Field(pattern="^sst_[0-9A-Za-z_-]{43}$")]


class AccessLogEntry(BaseModel):
    """Who signed in, or created, changed, granted or revoked what."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 9,
                    "at": TIME,
                    "actor": "ann",
                    "action": "change_account",
                    "subject": "bob",
                    "detail": {"grants": [GRANT]},
                }
            ]
        }
    )

    id: ItemId
    at: Timestamp
    actor: str
    action: Action
    subject: Annotated[str, Field(description="The account or the location that it was done to")]
    detail: dict[str, Any]


def grants_of(grants: list[NewGrant]) -> list[Grant]:
    """Grants as the rest of the program knows them. If a location is named twice, the higher role counts."""
    roles: dict[int | None, Role] = {}
    for grant in grants:
        role, former = Role(grant.role), roles.get(grant.location)
        roles[grant.location] = former if former is not None and former.includes(role) else role
    return [Grant(location, role) for location, role in roles.items()]
