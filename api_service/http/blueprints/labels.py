"""`/labels`: the page that prints labels. `/api/labels`: what it prints, with QR codes and bar codes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from quart import Blueprint, Response
from quart_schema import hide, tag_blueprint

from api_service.http.access import visible
from api_service.http.label_models import Label, LabelsQuery, SymbolDocument
from api_service.http.operations import operation
from api_service.http.pages import dashboard_url, page
from api_service.http.services import services
from api_service.store import items
from api_service.symbols import code_128, draw, qr_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api_service.store.items import LabelText
    from api_service.symbols import Symbol

blueprint = Blueprint("labels", __name__)
tag_blueprint(blueprint, ["Labels"])

_JSON = TypeAdapter(list[Label])


@blueprint.get("/labels")
@hide
async def show() -> Response:
    """The page that prints labels. It shows nothing by itself: it loads them as its reader."""
    return await page("labels.html")


@blueprint.get("/api/labels")
@operation(list[Label], query=LabelsQuery)
async def get_labels(query: LabelsQuery) -> Response:
    """Get the labels of these items, in this order: their texts, and their codes as QR codes and bar codes.

    An item that does not exist, or that you may not see, has no label. The QR code of an item without a code holds the
    item's address on the dashboard.
    """
    async with services().pools.reading() as connection:
        found = await items.select_label_texts(connection, query.item, visible())
    labels = await draw(services().limits.symbols, functools.partial(_labels, found, dashboard_url()))
    answer = _JSON.dump_json([labels[item_id] for item_id in query.item if item_id in labels])
    return Response(answer, headers={"Cache-Control": "private, no-cache"}, content_type="application/json")


def _labels(texts: Mapping[int, LabelText], dashboard: str) -> dict[int, Label]:
    return {item_id: _label(text, f"{dashboard}/?item={item_id}") for item_id, text in texts.items()}


def _label(item: LabelText, address: str) -> Label:
    text = item.code or address
    bars = None if item.code is None else code_128(item.code)
    return Label(**item._asdict(), text=text, qr=_document(qr_code(text)), code_128=bars and _document(bars))


def _document(symbol: Symbol) -> SymbolDocument:
    return SymbolDocument(**symbol._asdict())
