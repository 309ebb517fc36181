"""`/api/trends`: how quantities went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from quart import Blueprint, Response
from quart_schema import document_querystring, document_response, tag_blueprint

from api_service.connections import one_snapshot
from api_service.models import Trends, TrendsQuery
from api_service.requests import invalid, read_query, refuse_unknown_parameters
from api_service.store import history

blueprint = Blueprint("trends", __name__, url_prefix="/api/trends")
blueprint.before_request(refuse_unknown_parameters)
tag_blueprint(blueprint, ["Trends"])

USUAL_SPAN = timedelta(hours=24)


@blueprint.get("")
@document_querystring(TrendsQuery)
@document_response(Trends)
async def get_trends() -> Response:
    """Get the quantities of the whole stock, and of the items asked for, at evenly spaced moments up to now."""
    query = read_query(TrendsQuery)
    now = datetime.now(UTC)
    since = query.since or now - USUAL_SPAN
    if since >= now:
        raise invalid("since", "must lie in the past")
    moments = history.Moments(since, (now - since) / query.steps, query.steps)
    async with one_snapshot() as connection:
        total = await history.select_total_trend(connection, moments)
        trends = await history.select_item_trends(connection, query.item, moments)
    answer = Trends(
        from_=_rfc3339(since),
        to=_rfc3339(now),
        step_seconds=moments.step.total_seconds(),
        total=total,
        items={str(item_id): quantities for item_id, quantities in trends.items()},
    )
    return Response(answer.model_dump_json(by_alias=True), content_type="application/json")


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
