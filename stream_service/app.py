"""Composes the event stream."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from quart import Blueprint, Quart
from quart_cors import cors

from shared.access.principals import CHANNEL as ACCESS_CHANNEL
from shared.db.database import create_pool, database_url
from shared.log.doorbell import LOG_CHANNEL, Doorbell
from shared.process import background
from shared.web import hosts, metrics, proxies
from shared.web.health import NotReadyError, health_blueprint
from shared.web.problems import answer_with_problems
from stream_service import snapshots
from stream_service.access import Access
from stream_service.blueprints import documentation, events
from stream_service.broker.election import Candidacy
from stream_service.broker.membership import joined
from stream_service.broker.publisher import Options
from stream_service.broker.stream import Broker
from stream_service.databases import Primary, connected_standby
from stream_service.handover import with_streams
from stream_service.live import Live
from stream_service.relay import Relay
from stream_service.replay import Replay
from stream_service.ring import Ring
from stream_service.snapshots import Snapshots
from stream_service.starts import Starts
from stream_service.subscribers import Subscribers

if TYPE_CHECKING:
    from shared.db.database import Pool
    from stream_service.blocks import Source
    from stream_service.broker.membership import Membership
    from stream_service.settings import StreamSettings

ROLE = "stockstream_stream"
FOLLOWERS = 2  # database connections that follow the log: for the relay, and for the publisher
CHECK_HEARTBEATS = 0.9  # interval between two checks of all rights, in heartbeats: shorter than one
ADMISSIONS = 2  # database connections that check who may read: for new streams, and for open ones


def create_app(settings: StreamSettings) -> Quart:
    """The event stream as an app. It connects to the database when it starts to serve."""
    app = Quart(__name__, static_folder=None)
    subscribers = app.extensions["subscribers"] = Subscribers(settings)
    answer_with_problems(app)
    app.register_blueprint(_pages(settings))
    app.extensions["settings"] = settings
    app.asgi_app = with_streams(  # type: ignore[method-assign]
        proxies.behind_proxies(hosts.gate(app.asgi_app, settings, settings.stream_bind), settings),
        subscribers,
        allow_direct=settings.stream_direct_writes,
    )

    @app.while_serving
    async def following_the_log():  # type: ignore[no-untyped-def]
        url = database_url(settings, ROLE)
        listen_url = settings.listen_database_url.get_secret_value() if settings.listen_database_url else url
        connections = FOLLOWERS + ADMISSIONS + snapshots.READERS + settings.stream_replay_readers
        pool = create_pool(url, application_name=ROLE, max_size=connections)
        async with pool, contextlib.AsyncExitStack() as opened:
            relay = Relay(
                pool,
                Ring(settings.stream_ring_bytes),
                Live(),
                flush_seconds=settings.stream_flush_ms / 1000,
                heartbeat_seconds=settings.stream_heartbeat_seconds,
            )
            check_seconds = settings.stream_heartbeat_seconds * CHECK_HEARTBEATS
            access = Access(pool, interval_seconds=check_seconds)
            bells = {LOG_CHANNEL: lambda _: relay.follower.wake(), ACCESS_CHANNEL: access.wake}
            doorbell = Doorbell(listen_url, bells, application_name=f"{ROLE} listener")
            works = {"follower": relay.follower.run, "heartbeats": relay.send_heartbeats, "access": access.run}
            member = None
            if settings.broker_url is None:
                works["doorbell"] = doorbell.run
            else:
                options = Options(settings.broker_bytes, settings.stream_flush_ms / 1000)
                feeding = joined(
                    Broker(settings.broker_url.get_secret_value(), settings.broker_password),
                    Candidacy(pool, listen_url, ROLE, options),
                    relay,
                    check_rights=access.wake,
                    listen_to_database=doorbell.run,
                )
                member = await opened.enter_async_context(feeding)
                works |= member.works
            stock = Snapshots(pool, relay.can_replay, member and member.snapshots)
            starts = Starts(pool, relay, stock, rights_seconds=2 * check_seconds)
            sources = await _open_sources(settings, pool, opened, member)
            replay = Replay(sources, settings.stream_replay_readers)
            subscribers.set_sources(relay, replay, starts)
            subscribers.set_access(access)
            app.extensions.update(relay=relay, doorbell=doorbell, access=access, member=member)
            async with background.running(**works):
                yield
                stock.close()

    async def check() -> None:
        if subscribers.is_draining:
            raise NotReadyError("about to stop")
        if not app.extensions["relay"].is_caught_up:
            raise NotReadyError("the log can't be read")
        member = app.extensions["member"]
        if not app.extensions["doorbell"].is_listening and not (member and member.feed.is_trusted):
            raise NotReadyError("not listening")

    app.register_blueprint(health_blueprint(check))
    app.register_blueprint(metrics.blueprint)
    return app


async def _open_sources(
    settings: StreamSettings, pool: Pool, opened: contextlib.AsyncExitStack, member: Membership | None
) -> list[Source]:
    """What old events are read from, in the order in which the sources are asked."""
    sources: list[Source] = [] if member is None else [member.window]
    if settings.replay_database_url is not None:
        url, readers = settings.replay_database_url.get_secret_value(), settings.stream_replay_readers
        standby = connected_standby(url, application_name=f"{ROLE} replay", readers=readers)
        sources.append(await opened.enter_async_context(standby))
    return [*sources, Primary(pool)]


def _pages(settings: StreamSettings) -> Blueprint:
    """The routes that pages of allowed origins may read."""
    pages = Blueprint("pages", __name__)
    for part in (events, documentation):
        pages.register_blueprint(part.blueprint)
    return cors(
        pages,
        allow_origin=settings.origins,
        allow_methods=["GET"],
        allow_headers=["Authorization", "Last-Event-ID"],
        allow_credentials=settings.auth != "open",
    )
