"""Measures the cost of API requests against a bare Quart route on the same server, in the same run."""

from __future__ import annotations

import json
import random
import statistics
import sys
import urllib.request
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from bench.servers import Api, Bare
from tests import processes

if TYPE_CHECKING:
    from bench.__main__ import Bench

CONNECTIONS = 16
EXTRA_SECONDS = 60  # time for the client to start and to receive the last responses
LIST_ITEMS = 500
FEW_ITEMS, MANY_ITEMS = 1_000, 100_000
ITEMS = "/api/inventories"


class Timing(NamedTuple):
    """Responses per second and response times in ms; each is the median of several runs."""

    case: str
    rate: float
    p50: float
    p99: float


def request(method: str, path: str, body: str = "", **headers: str) -> str:
    """Return a request in the escaped form that bench.requests takes on its command line."""
    if body:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    return "\\r\\n".join([*lines, "", body])


def run_requests(port: int, requests: list[str], seconds: float, connections: int = CONNECTIONS) -> dict[str, float]:
    """Run bench.requests once and return its result."""
    command = [sys.executable, "-m", "bench.requests", str(port), *requests]
    command += ["--seconds", str(seconds), "--connections", str(connections)]
    done = processes.run(command, seconds=seconds + EXTRA_SECONDS)
    assert done.returncode == 0, done.stderr
    result: dict[str, float] = json.loads(done.stdout)
    assert not result["failures"], result
    return result


def puts() -> list[str]:
    """PUTs of a quantity. Their number is coprime with LIST_ITEMS, so that each is a change when they are repeated."""
    return [
        request("PUT", f"{ITEMS}/{1 + number % LIST_ITEMS}", json.dumps({"quantity": random.randrange(10**6)}))
        for number in range(997)
    ]


def fill(bench: Bench, database: str, items: int) -> None:
    bench.postgres.sql(
        database,
        "INSERT INTO inventory (name, quantity)"
        f" SELECT 'M' || n % 40 || ' bolt ' || md5(n::text), n % 1000 FROM generate_series(1, {items}) AS n",
    )
    bench.postgres.sql(database, "VACUUM ANALYZE")


def etag(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as response:
        return str(response.headers["ETag"])


def against_a_bare_route(bench: Bench, runs: int) -> list[tuple[Timing, float]]:
    """Measure PUTs of a quantity, lists of 500 items and 304s, each with its rate relative to the bare route's."""
    seen: dict[str, list[dict[str, float]]] = {}
    shares: dict[str, list[float]] = {}
    with ExitStack() as stack:
        database = stack.enter_context(bench.database())
        fill(bench, database, LIST_ITEMS)
        api = stack.enter_context(Api(bench.postgres, database, bench.folder))
        bare = stack.enter_context(Bare(bench.postgres, database, bench.folder))
        for _ in range(runs):
            floor = run_requests(bare.port, [request("GET", "/readyz")], bench.seconds)
            held = {"If-None-Match": etag(api.port, ITEMS)}
            for case, port, requests in (
                ("h: a list of 500 items", api.port, [request("GET", ITEMS)]),
                ("h: a list that the client has (304)", api.port, [request("GET", ITEMS, **held)]),
                ("h: PUT of a quantity", api.port, puts()),
            ):
                result = run_requests(port, requests, bench.seconds)
                seen.setdefault(case, []).append(result)
                shares.setdefault(case, []).append(result["rate"] / floor["rate"])
            seen.setdefault("h: a bare route", []).append(floor)
    return [(_median(case, results), statistics.median(shares.get(case, [1.0]))) for case, results in seen.items()]


def with_many_items(bench: Bench, runs: int) -> list[tuple[Timing, float]]:
    """Measure pages of 100 items in tables of 1,000 and 100,000 items, each with its time relative to 1,000."""
    pages = {
        "i: a first page of 100": f"{ITEMS}?limit=100",
        "i: a search page, few match": f"{ITEMS}?limit=100&q=bolt%20c4ca",
        "i: a search page, many match": f"{ITEMS}?limit=100&q=M7%20bolt",
        "i: a page by name": f"{ITEMS}?limit=100&sort=name",
        "i: a page by quantity": f"{ITEMS}?limit=100&sort=-quantity",
    }
    times: dict[tuple[str, int], list[dict[str, float]]] = {}
    with ExitStack() as stack:
        apis = {}
        for items in (FEW_ITEMS, MANY_ITEMS):
            database = stack.enter_context(bench.database())
            fill(bench, database, items)
            apis[items] = stack.enter_context(Api(bench.postgres, database, bench.folder))
        for _ in range(runs):
            for case, path in pages.items():
                for items, api in apis.items():
                    found = run_requests(api.port, [request("GET", path)], bench.seconds / 4, connections=1)
                    times.setdefault((case, items), []).append(found)
    rows = []
    for (case, items), results in times.items():
        row = _median(f"{case}, {items:,} items", results)
        rows.append((row, row.p50 / _median(case, times[case, FEW_ITEMS]).p50))
    return rows


def _median(case: str, results: list[dict[str, float]]) -> Timing:
    return Timing(case, *(statistics.median(result[column] for result in results) for column in ("rate", "p50", "p99")))
