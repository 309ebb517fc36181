"""The files of the pages: their version, what is served, and what a page loads at once."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

import brotli
import pytest

from api_service.app import create_app
from api_service.http.files import Files
from api_service.settings import ApiSettings
from tests.stack import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from quart.typing import TestClientProtocol

FRONTEND = ROOT / "frontend"
PAGES = ["/", "/accounts", "/docs", "/labels"]
DECODERS = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}
MAX_PAGE_BYTES = 120_000  # of the document, its scripts, styles and texts, with brotli


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scripts = tmp_path / "scripts"
    (scripts / "views").mkdir(parents=True)
    (scripts / "main.js").write_text('import { a } from "./views/a.js";\nexport { b } from "./b.js";\na();\n')
    (scripts / "views" / "a.js").write_text('import {\n  b,\n} from "../b.js";\n')
    (scripts / "b.js").write_text('const text = "./c.js";\n')
    (scripts / "c.js").write_text("")
    (scripts / "package.json").write_text("{}")
    (tmp_path / "index.html").write_text("")
    return tmp_path


def test_the_version_changes_with_any_file(folder: Path) -> None:
    before = Files(folder).version
    assert Files(folder).version == before
    (folder / "scripts" / "c.js").write_text("changed")
    assert Files(folder).version != before


def test_only_files_of_this_version_are_found(folder: Path) -> None:
    files = Files(folder)
    assert files.find(files.version, "scripts/c.js") is not None
    assert files.find("0" * 16, "scripts/c.js") is None
    for name in ("scripts/none.js", "scripts/../scripts/c.js", "/etc/passwd", "index.html", "scripts/package.json", ""):
        assert files.find(files.version, name) is None, name


def test_a_script_comes_with_all_modules_that_it_imports(folder: Path) -> None:
    assert Files(folder).modules("scripts/main.js") == ["scripts/main.js", "scripts/views/a.js", "scripts/b.js"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("accepted", "sent"),
    [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("identity", None), ("", None)],
)
async def test_a_page_and_its_files_are_compressed_as_the_browser_accepts_it(
    path: str, accepted: str, sent: str | None
) -> None:
    client = create_app(ApiSettings()).test_client()
    for address in [path, *await _addresses(client, path)]:
        plain = await client.get(address)
        packed = await client.get(address, headers={"Accept-Encoding": accepted})
        assert plain.status_code == packed.status_code == 200, address
        assert packed.headers.get("Content-Encoding") == sent
        assert "Accept-Encoding" in packed.vary
        assert "Accept-Encoding" in plain.vary
        assert DECODERS[sent](await packed.get_data(as_text=False)) == await plain.get_data(as_text=False)


@pytest.mark.parametrize("path", PAGES)
async def test_every_file_that_a_page_names_is_kept_for_ever(path: str) -> None:
    client = create_app(ApiSettings()).test_client()
    addresses = await _addresses(client, path)
    assert len(addresses) > 5
    for address in addresses:
        assert "immutable" in (await client.get(address)).headers["Cache-Control"], address


async def test_the_whole_dashboard_is_small() -> None:
    client = create_app(ApiSettings()).test_client()
    sizes = {}
    for address in ["/", *await _addresses(client, "/")]:
        if address.endswith(".png"):
            continue  # only what installs the page loads its icon
        answer = await client.get(address, headers={"Accept-Encoding": "br"})
        sizes[address] = len(await answer.get_data(as_text=False))
    assert sum(sizes.values()) < MAX_PAGE_BYTES, sorted(sizes.items(), key=lambda item: -item[1])[:10]


async def _addresses(client: TestClientProtocol, path: str) -> list[str]:
    """The addresses of the files that a page names."""
    page = await (await client.get(path)).get_data(as_text=True)
    return list(dict.fromkeys(re.findall(r'(?:src|href)="(/static/[^"]+)"', page)))


def test_styles_and_scripts_name_only_files_that_exist() -> None:
    files = Files(FRONTEND)
    for path in FRONTEND.rglob("*.css"):
        for name in re.findall(r'url\("(?!data:)([^"]+)"\)', path.read_text()):
            target = (path.parent / name).resolve().relative_to(FRONTEND)
            assert files.find(files.version, target.as_posix()) is not None, (path, name)
    assert '"/static' not in "".join(path.read_text() for path in (FRONTEND / "scripts").rglob("*.js"))
