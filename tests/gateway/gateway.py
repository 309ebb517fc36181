"""The gateway as compose.yaml runs it, a service that echoes requests, and an HTTP/2 client."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sysconfig
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h2.connection
import h2.events

from tests.stack import ROOT, answers, environment, free_port, refuses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

CADDY = str(Path(sysconfig.get_path("scripts")) / "caddy")
CADDYFILE = str(ROOT / "gateway" / "Caddyfile")
MAX_HEADER_BYTES = 16_384
MAX_BODY_BYTES = 65_536
MAX_IMPORT_BYTES = 200_000
LIMITS = {
    "MAX_HEADER_BYTES": str(MAX_HEADER_BYTES),
    "MAX_BODY_BYTES": str(MAX_BODY_BYTES),
    "MAX_IMPORT_BYTES": str(MAX_IMPORT_BYTES),
}
START_SECONDS = 20
STOP_SECONDS = 10


def adapted(settings: Mapping[str, str] | None = None) -> Any:
    """Return the Caddyfile, adapted to JSON."""
    command = [CADDY, "adapt", "--config", CADDYFILE, "--adapter", "caddyfile"]
    settings = settings or environment(GATEWAY_SITE="http://:8080", **LIMITS)
    return json.loads(subprocess.run(command, env=settings, capture_output=True, check=True).stdout)


class Gateway:
    """Caddy with the project's Caddyfile, in front of services at these ports. With TLS, it makes its certificate."""

    def __init__(
        self, folder: Path, *, api: int, stream: int, trusted_proxies: str = "", with_tls: bool = False
    ) -> None:
        self._folder = folder
        self.port, self._health_port = free_port(), free_port()
        self.url = f"https://localhost:{self.port}" if with_tls else f"http://127.0.0.1:{self.port}"
        self._log = folder / "gateway.log"
        self._environment = environment(
            GATEWAY_SITE=self.url if with_tls else f"http://:{self.port}",
            GATEWAY_HEALTH_PORT=str(self._health_port),
            API_UPSTREAM=f"127.0.0.1:{api}",
            STREAM_HOST="127.0.0.1",
            STREAM_PORT=str(stream),
            XDG_DATA_HOME=str(folder),
            XDG_CONFIG_HOME=str(folder),
            **LIMITS,
            **({"GATEWAY_TRUSTED_PROXIES": trusted_proxies} if trusted_proxies else {}),
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._run("--config", CADDYFILE, "--adapter", "caddyfile")

    def start_with_streams(self, ports: list[int]) -> None:
        """Start with several stream processes, which have ports of their own here instead of addresses of their own."""
        config = adapted(self._environment)
        lookups = [found for found in _objects(config) if found.get("source") == "a"]
        assert len(lookups) == 1
        refresh = lookups[0].pop("refresh")
        sources = [{"source": "a", "name": "127.0.0.1", "port": str(port), "refresh": refresh} for port in ports]
        lookups[0] |= {"source": "multi", "sources": sources}
        del lookups[0]["name"], lookups[0]["port"]
        file = self._folder / "gateway.json"
        file.write_text(json.dumps(config))
        self._run("--config", str(file))

    def _run(self, *arguments: str) -> None:
        command = [CADDY, "run", *arguments]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self.is_healthy() or refuses(self.port):  # Caddy opens its two ports one after the other
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.05)

    def is_healthy(self) -> bool:
        return answers(f"http://127.0.0.1:{self._health_port}/")

    def errors(self) -> list[str]:
        """Return the lines of the log that report an error."""
        return [line for line in self._log.read_text().splitlines() if '"level":"error"' in line]

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(STOP_SECONDS)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)


def _objects(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a JSON document."""
    if isinstance(part, dict):
        yield part
    for child in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _objects(child)


class Upstream:
    """A service that responds with the headers of the request, or never."""

    def __init__(self) -> None:
        self.port = free_port()
        self.requests: list[list[str]] = []
        self.is_silent = False

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(head.decode().splitlines(), writer)
        except asyncio.IncompleteReadError:
            writer.close()

    async def _answer(self, head: list[str], writer: asyncio.StreamWriter) -> None:
        self.requests.append(head)
        if not self.is_silent:
            body = json.dumps(head).encode()
            headers = f"HTTP/1.1 200 OK\r\nServer: hypercorn\r\nVia: 1.1 inside\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(headers.encode() + body)
            await writer.drain()


@asynccontextmanager
async def listening(upstream: Upstream) -> AsyncIterator[Upstream]:
    server = await asyncio.start_server(upstream.answer, "127.0.0.1", upstream.port)
    yield upstream
    server.close()


async def get_over_http2(port: int, path: str) -> tuple[dict[str, str], bytes]:
    """Send a GET over HTTP/2 without TLS or upgrade. Returns the headers and the body of the response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    authority = f"127.0.0.1:{port}"
    request = [(":method", "GET"), (":path", path), (":scheme", "http"), (":authority", authority)]
    connection.send_headers(1, request, end_stream=True)
    headers: dict[str, str] = {}
    body, is_complete = b"", False
    while not is_complete:
        writer.write(connection.data_to_send())
        data = await reader.read(65_536)
        assert data, "the connection was closed"
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                headers = {_text(name): _text(value) for name, value in event.headers}
            elif isinstance(event, h2.events.DataReceived):
                body += event.data or b""
                connection.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
            is_complete = is_complete or isinstance(event, h2.events.StreamEnded)
    writer.close()
    return headers, body


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
