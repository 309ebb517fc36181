"""`/api/trends`: quantities over time."""

from __future__ import annotations

from datetime import UTC, datetime

from quart import Blueprint, Response
from quart_schema import tag_blueprint

from api_service.http.answers import invalid
from api_service.http.models import Trends, TrendsQuery
from api_service.http.operations import operation
from api_service.http.scope import find_scope
from api_service.http.services import services
from api_service.store import history

blueprint = Blueprint("trends", __name__, url_prefix="/api/trends")
tag_blueprint(blueprint, ["Trends"])


@blueprint.get("")
@operation(Trends, query=TrendsQuery)
async def get_trends(query: TrendsQuery) -> Response:
    """Get the total quantity of the stock, and the quantities of the given items, at evenly spaced times up to now."""
    if query.since is not None and query.since >= datetime.now(UTC):
        raise invalid("since", "must lie in the past")
    scope = await find_scope(query.location)
    trend = await services().total_trends.get(query.since, query.steps, scope)
    items: dict[int, list[int | None]] = {}
    if query.item:
        async with services().limits.scans.slot(), services().pools.reading() as connection:
            items = await history.select_item_trends(connection, query.item, trend.times, scope)
    answer = Trends(
        from_=_rfc3339(trend.times.since),
        to=_rfc3339(trend.until),
        step_seconds=trend.times.step.total_seconds(),
        total=trend.totals,
        items={str(item_id): quantities for item_id, quantities in items.items()},
    )
    return Response(answer.model_dump_json(by_alias=True), content_type="application/json")


def _rfc3339(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
