"""The API documentation page, in a Chromium that can reach only the services."""

from __future__ import annotations

import json
import shlex
import urllib.request
from typing import TYPE_CHECKING, Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.stack import Stack


def read(url: str) -> Any:
    with urllib.request.urlopen(url) as response:
        return json.load(response)


@pytest.fixture
def requested_urls(page: Page) -> list[str]:
    """The URLs that the page requests."""
    requested_urls: list[str] = []
    page.on("request", lambda request: requested_urls.append(request.url))
    return requested_urls


@pytest.fixture
def docs(page: Page, requested_urls: list[str], steady_stack: Stack) -> Page:
    page.goto(f"{steady_stack.api_url}/docs")
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")
    return page


def test_every_operation_and_every_event_is_shown_without_the_internet(
    docs: Page, requested_urls: list[str], steady_stack: Stack
) -> None:
    for operations in read(f"{steady_stack.api_url}/openapi.json")["paths"].values():
        for operation in operations.values():
            expect(docs.locator(f"#{operation['operationId']} .docs-summary")).not_to_be_empty()
    for event in read(f"{steady_stack.stream_url}/asyncapi.json")["components"]["messages"]:
        expect(docs.locator(f"#event-{event} pre")).to_contain_text(f"event: {event}")
    assert "[object" not in docs.locator("main").inner_text()
    assert all(url.startswith((steady_stack.api_url, steady_stack.stream_url)) for url in requested_urls)


def test_every_link_of_the_page_leads_to_an_element_on_it(docs: Page) -> None:
    targets = docs.locator('a[href^="#"]').evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert len(targets) > 40
    assert [target for target in set(targets) if docs.locator(f'[id="{target[1:]}"]').count() != 1] == []


def test_a_copied_command_works(docs: Page, steady_stack: Stack) -> None:
    docs.context.grant_permissions(["clipboard-read", "clipboard-write"])
    docs.locator("#create_item").get_by_role("button", name="Copy").click()
    expect(docs.locator("#copied")).to_have_text("Copied")
    command = shlex.split(docs.evaluate("navigator.clipboard.readText()"))
    curl, address, header, content_type, data, body = command
    assert (curl, header, data) == ("curl", "-H", "-d")
    name, _, value = content_type.partition(": ")
    request = urllib.request.Request(address, body.encode(), {name: value})
    with urllib.request.urlopen(request) as response:
        assert response.status == 201


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_into_its_window(docs: Page, width: int) -> None:
    docs.set_viewport_size({"width": width, "height": 800})
    assert docs.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(docs: Page, scheme: Literal["light", "dark"]) -> None:
    docs.emulate_media(color_scheme=scheme)
    found = Axe().run(docs).response["violations"]
    assert [(fault["id"], [node["target"] for node in fault["nodes"]]) for fault in found] == []
