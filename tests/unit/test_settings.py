"""Settings: valid ones are read, and an invalid one is reported in one clear line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api_service.settings import ApiSettings
from shared.process.settings import Bind, load
from stream_service.settings import StreamSettings


@pytest.mark.parametrize(
    ("text", "bind"),
    [("127.0.0.1:8000", Bind("127.0.0.1", 8000)), ("[::1]:80", Bind("::1", 80)), ("host:65535", Bind("host", 65535))],
)
def test_an_address_is_a_host_and_a_port(monkeypatch: pytest.MonkeyPatch, text: str, bind: Bind) -> None:
    monkeypatch.setenv("API_BIND", text)
    assert load(ApiSettings).api_bind == bind
    assert str(bind) == text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_BIND", "8000"),
        ("API_BIND", "localhost:0"),
        ("STREAM_BIND", "localhost:http"),
        ("STREAM_BIND", "localhost:65536"),
        ("DATABASE_URL", "mysql://secret@host/db"),
        ("LISTEN_DATABASE_URL", "secret"),
        ("STREAM_HEARTBEAT_SECONDS", "16"),
        ("STREAM_FLUSH_MS", "-1"),
        ("LOG_FORMAT", "xml"),
        ("HISTORY_RETENTION", "90"),
        ("HISTORY_RETENTION", "23h"),
        ("HISTORY_RETENTION", "for ever"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        load(ApiSettings if name == "HISTORY_RETENTION" else StreamSettings)
    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert error.startswith(f"stockstream: {name}: ")
    assert error.count("\n") == 1
    assert "secret" not in error


def test_an_empty_setting_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    assert load(ApiSettings).database_url is None


def test_only_the_apis_own_page_may_subscribe_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_BIND", "127.0.0.1:9000")
    assert load(StreamSettings).origins == {"http://127.0.0.1:9000", "http://localhost:9000"}
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://a.example, https://b.example")
    assert load(StreamSettings).origins == {"https://a.example", "https://b.example"}


@pytest.mark.parametrize(
    ("text", "duration"), [("90d", timedelta(days=90)), ("36h", timedelta(hours=36)), ("2w", timedelta(weeks=2))]
)
def test_a_duration_is_a_number_of_hours_days_or_weeks(
    monkeypatch: pytest.MonkeyPatch, text: str, duration: timedelta
) -> None:
    monkeypatch.setenv("HISTORY_RETENTION", text)
    assert load(ApiSettings).history_retention == duration


def test_a_site_of_ones_own_needs_a_decision_about_accounts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_SITE", "stock.example.org")
    with pytest.raises(SystemExit):
        load(ApiSettings)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("stockstream: AUTH: GATEWAY_SITE is set: choose AUTH=login")
    for auth in ("open", "login"):
        monkeypatch.setenv("AUTH", auth)
        assert load(ApiSettings).auth == auth


def test_with_accounts_not_every_origin_can_be_allowed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTH", "login")
    monkeypatch.setenv("ALLOWED_ORIGINS", "*")
    with pytest.raises(SystemExit):
        load(ApiSettings)
    assert "ALLOWED_ORIGINS" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("site", "url"),
    [
        ("stock.example.org", "https://stock.example.org"),
        ("http://:8080", "http://localhost:8080"),
        ("https://stock.example.org/", "https://stock.example.org"),
        ("a.example.org, b.example.org", "https://a.example.org"),
    ],
)
def test_the_url_of_the_dashboard_follows_from_the_site(monkeypatch: pytest.MonkeyPatch, site: str, url: str) -> None:
    monkeypatch.setenv("DASHBOARD_URL", site)
    assert load(ApiSettings).dashboard_url == url
