"""The nchan baseline: nginx with the nchan module, fed from the same log by a process that is not measured."""

from __future__ import annotations

import asyncio
import os
import sys

import aiohttp
import asyncpg

from shared.log.follower import select_head
from stream_service.store import log as log_store

CONFIGURATION = """
load_module {module};
daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
worker_rlimit_nofile 65536;
events {{ worker_connections 30000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  nchan_shared_memory_size 512M;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /readyz {{ return 200; }}
    location = /publish {{ nchan_publisher; nchan_channel_id stock; nchan_message_buffer_length 2000; }}
    location = /events {{
      nchan_subscriber eventsource; nchan_channel_id stock; nchan_eventsource_event inventory_update;
      nchan_subscriber_first_message newest;
    }}
  }}
}}
"""


async def feed(url: str, publish: str) -> None:
    rung = asyncio.Event()
    listener, reader = await asyncpg.connect(url), await asyncpg.connect(url)
    await listener.add_listener("inventory_history", lambda *_: rung.set())
    head = await select_head(reader)
    last = head.event_id
    async with aiohttp.ClientSession() as session:
        await (await session.post(publish, data=b'{"event":"hello"}')).read()
        print("ready", flush=True)
        while True:
            await rung.wait()
            rung.clear()
            for frame in await log_store.select_events(reader, head.epoch, after=last, page=1_000_000):
                last = frame.event_id
                body = frame.data.split(b"data: ", 1)[1].strip()
                async with session.post(publish, data=body) as response:
                    await response.read()


if __name__ == "__main__":
    asyncio.run(feed(os.environ["DATABASE_URL"], sys.argv[1]))
