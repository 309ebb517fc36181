"""The objects that all handlers of an app share. They are opened when the app starts to serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from quart import current_app

if TYPE_CHECKING:
    from quart import Quart

    from api_service.last_uses import LastUses
    from api_service.limits import Limits
    from api_service.settings import ApiSettings
    from api_service.stock import Stock
    from api_service.store.connections import Pools
    from api_service.total_trends import TotalTrends

_NAME = "stockstream"  # among the app's extensions


class Services(NamedTuple):
    """The services of an app."""

    pools: Pools
    limits: Limits
    stock: Stock
    total_trends: TotalTrends
    last_uses: LastUses


def provide(app: Quart, services: Services) -> None:
    """Make these the services of this app."""
    app.extensions[_NAME] = services


def services() -> Services:
    """The services of the current app."""
    found: Services = current_app.extensions[_NAME]
    return found


def settings() -> ApiSettings:
    """The settings of the current app."""
    found: ApiSettings = current_app.extensions["settings"]
    return found
