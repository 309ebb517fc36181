"""`/api/trends`: how quantities went."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from quart import Blueprint, Response, current_app
from quart_schema import document_querystring, document_response, tag_blueprint

from api_service.connections import reading
from api_service.gates import gates
from api_service.models import Trends, TrendsQuery
from api_service.requests import invalid, read_query, refuse_unknown_parameters
from api_service.store import history

if TYPE_CHECKING:
    from api_service.total_trends import TotalTrends

blueprint = Blueprint("trends", __name__, url_prefix="/api/trends")
blueprint.before_request(refuse_unknown_parameters)
tag_blueprint(blueprint, ["Trends"])


@blueprint.get("")
@document_querystring(TrendsQuery)
@document_response(Trends)
async def get_trends() -> Response:
    """Get the quantities of the whole stock, and of the items asked for, at evenly spaced moments up to now."""
    query = read_query(TrendsQuery)
    if query.since is not None and query.since >= datetime.now(UTC):
        raise invalid("since", "must lie in the past")
    total_trends: TotalTrends = current_app.extensions["total_trends"]
    trend = await total_trends.get(query.since, query.steps)
    items: dict[int, list[int | None]] = {}
    if query.item:
        async with gates().scans.entered(), reading() as connection:
            items = await history.select_item_trends(connection, query.item, trend.moments)
    answer = Trends(
        from_=_rfc3339(trend.moments.since),
        to=_rfc3339(trend.until),
        step_seconds=trend.moments.step.total_seconds(),
        total=trend.totals,
        items={str(item_id): quantities for item_id, quantities in items.items()},
    )
    return Response(answer.model_dump_json(by_alias=True), content_type="application/json")


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
