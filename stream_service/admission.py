"""Checks who sends the current request, before its stream opens."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from quart import current_app

from shared.db.errors import DatabaseUnavailableError
from shared.web.credentials import not_signed_in, read_credentials
from shared.web.problems import Problem
from stream_service.access import RefusedError, Request

if TYPE_CHECKING:
    from stream_service.access import Access
    from stream_service.settings import StreamSettings
    from stream_service.starts import Subscription


async def admitted(subscription: Subscription) -> Subscription:
    """The subscription, with the rights of whoever sends the request. Raises a 401 or 403 problem.

    Without accounts, everybody may read everything.
    """
    settings: StreamSettings = current_app.extensions["settings"]
    access: Access = current_app.extensions["access"]
    credentials = None
    if settings.auth != "open":
        credentials = read_credentials(settings, settings.origins)
        if credentials is None:
            raise not_signed_in(None, settings)
    elif not subscription.locations:
        return subscription
    try:
        return replace(subscription, admission=await access.admit(Request(credentials, subscription.locations)))
    except DatabaseUnavailableError:
        return replace(subscription, busy="the database can't be reached")  # a browser gives up on any status but 200
    except RefusedError as refused:
        if refused.is_known:
            raise Problem(HTTPStatus.FORBIDDEN, "The account has no role. An admin can give it one.") from None
        raise not_signed_in(credentials, settings) from None
