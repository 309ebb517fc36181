"""`make run`: one command starts everything, and nothing is left running when it stops."""

from __future__ import annotations

import getpass
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.db.embedded import socket_dir
from shared.local.postgres import binary
from tests import processes
from tests.stack import ROOT, answers, environment, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import PostgresServer

START_SECONDS = 60
STOP_SECONDS = 30
IS_ROOT = os.geteuid() == 0


class Run:
    """A process of `python -m shared.local run` with its own settings."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.api, self.stream = free_port(), free_port()
        self.data_dir = data_dir
        self.environment = environment(
            DATA_DIR=str(data_dir),
            API_BIND=f"127.0.0.1:{self.api}",
            STREAM_BIND=f"127.0.0.1:{self.stream}",
        )
        self.environment.update(settings)
        self.output = data_dir.parent / f"{data_dir.name}.out"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, program: tuple[str, ...] = (sys.executable,), cwd: Path = ROOT) -> None:
        with self.output.open("wb") as output:
            self._process = processes.start(
                [*program, "-m", "shared.local", "run"], env=self.environment, cwd=cwd, stdout=output, stderr=output
            )

    def wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while "stockstream is ready" not in self.output.read_text():
            assert self._process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait until the run ends and return its exit code."""
        assert self._process is not None
        self._process.wait(STOP_SECONDS)
        return processes.kill(self._process)

    def processes(self) -> list[int]:
        """Return the pids of all processes with this DATA_DIR in their environment or command line."""
        mark = os.fsencode(self.data_dir)
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (entry / "environ").read_bytes() or mark in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def psql(self, statement: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "shared.local", "psql", "-XAtc", statement],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def running(run: Run) -> Iterator[Run]:
    try:
        run.start()
        run.wait_until_ready()
        yield run
    finally:
        run.signal(signal.SIGTERM)
        run.wait()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that only its owner can enter."""
    home = tmp_path_factory.mktemp("home")
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    return home


@pytest.fixture(scope="module")
def modes_before(home: Path) -> dict[Path, int]:
    """The modes of `home` and its parents before anything runs."""
    return {path: path.stat().st_mode for path in [home, *home.parents]}


@pytest.fixture(scope="module")
def steady_run(home: Path, modes_before: dict[Path, int]) -> Iterator[Run]:
    """A run shared by all tests that don't change it."""
    with running(Run(home / "data")) as run:
        yield run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_starts_prints_its_address_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    run = Run(tmp_path / "data")
    run.start()
    run.wait_until_ready()
    assert f"http://127.0.0.1:{run.api}/\n" in run.output.read_text()
    assert answers(f"http://127.0.0.1:{run.api}/")
    assert answers(f"http://127.0.0.1:{run.stream}/readyz")
    assert run.psql("SELECT count(*) FROM inventory") == "0"
    assert run.processes()
    run.signal(number)
    assert run.wait() == 0, run.output.read_text()
    assert run.processes() == []
    assert not socket_dir(run.data_dir).exists()
    assert "Traceback" not in run.output.read_text()
    assert "warning" not in run.output.read_text().lower()
    assert "FATAL" not in run.output.read_text()


def test_it_keeps_the_data(tmp_path: Path) -> None:
    run = Run(tmp_path / "data")
    with running(run):
        run.psql("INSERT INTO inventory (name, quantity) VALUES ('bolt', 5)")
    with running(run):
        assert run.psql("SELECT count(*) FROM inventory") == "1"


def test_it_runs_beside_another_and_from_a_long_path_with_spaces(tmp_path: Path, steady_run: Run) -> None:
    deep = tmp_path
    while len(str(deep)) < 200:
        deep /= "a folder with spaces; and # more %d"
    deep.mkdir(parents=True)
    before = steady_run.psql("SELECT count(*) FROM inventory")
    with running(Run(deep / "data")) as run:
        run.psql("INSERT INTO inventory (name, quantity) VALUES ('of this one', 1)")
        assert run.psql("SELECT count(*) FROM inventory") == "1"
        assert steady_run.psql("SELECT count(*) FROM inventory") == before


def test_a_killed_process_is_restarted(tmp_path: Path) -> None:
    with running(Run(tmp_path / "data")) as run:
        run.psql("INSERT INTO inventory (name, quantity) VALUES ('bolt', 5)")
        for victim in ("stream_service", "api_service", "bin/postgres"):
            pids = [pid for pid in run.processes() if victim in Path(f"/proc/{pid}/cmdline").read_text()]
            assert len(pids) == 1
            os.kill(pids[0], signal.SIGKILL)
            deadline = time.monotonic() + START_SECONDS
            while Path(f"/proc/{pids[0]}").exists() or not (
                answers(f"http://127.0.0.1:{run.api}/readyz") and answers(f"http://127.0.0.1:{run.stream}/readyz")
            ):
                assert time.monotonic() < deadline, run.output.read_text()
                time.sleep(0.05)
        assert run.psql("SELECT quantity FROM inventory") == "5"


def start_error(run: Run) -> str:
    """Start a run that must fail, check that it prints one line and return that line."""
    run.start()
    assert run.wait() not in (0, -15)
    lines = run.output.read_text().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("stockstream: ")
    assert run.processes() == []
    return lines[0]


def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path, steady_run: Run) -> None:
    one = Run(tmp_path / "one", API_BIND=f"127.0.0.1:{steady_run.api}")
    assert start_error(one) == f"stockstream: API_BIND 127.0.0.1:{steady_run.api}: Address already in use"
    two = Run(tmp_path / "two", STREAM_BIND=f"127.0.0.1:{steady_run.stream}")
    assert "STREAM_BIND" in start_error(two)


def test_a_data_dir_that_is_in_use_is_one_clear_line(tmp_path: Path, steady_run: Run) -> None:
    other = Run(steady_run.data_dir)
    other.output = tmp_path / "other.out"
    other.start()
    assert other.wait() == 1
    assert "is in use by another stockstream" in other.output.read_text()


@pytest.mark.parametrize(
    "url",
    ["postgresql://user:secret@127.0.0.1:1/db", "postgresql://user:secret@no-such-host.invalid/db", "mysql://secret/"],
)
def test_an_unusable_database_url_is_one_clear_line_without_its_password(tmp_path: Path, url: str) -> None:
    line = start_error(Run(tmp_path / "data", DATABASE_URL=url))
    assert "DATABASE_URL" in line
    assert "secret" not in line


def test_an_unusable_data_dir_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "DATA_DIR" in start_error(Run(tmp_path / "file"))


@pytest.mark.parametrize("name", ["API_BIND", "API_POOL_SIZE", "STREAM_FLUSH_MS"])
def test_a_bad_setting_is_one_clear_line(tmp_path: Path, name: str) -> None:
    assert f"{name}: " in start_error(Run(tmp_path / "data", **{name: "nonsense"}))


def test_a_given_database_url_is_used(tmp_path: Path, postgres: PostgresServer) -> None:
    postgres.sql("postgres", "CREATE DATABASE of_ones_own")
    with running(Run(tmp_path / "data", DATABASE_URL=postgres.url("of_ones_own"))) as run:
        run.psql("INSERT INTO inventory (name, quantity) VALUES ('bolt', 5)")
        assert not (run.data_dir / "postgres").exists()
    assert postgres.sql("of_ones_own", "SELECT name FROM inventory") == [("bolt",)]


def test_psql_without_a_server_is_one_clear_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shared.local", "psql"],
        env=environment(DATA_DIR=str(tmp_path / "none")),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert re.fullmatch(r"stockstream: no PostgreSQL is running in .*\n", done.stderr)


def test_no_permission_outside_data_dir_changes_and_no_one_else_can_connect(
    modes_before: dict[Path, int], steady_run: Run
) -> None:
    assert {path: path.stat().st_mode for path in modes_before} == modes_before
    assert stat.S_IMODE(socket_dir(steady_run.data_dir).stat().st_mode) == 0o700
    assert steady_run.psql("SHOW listen_addresses") == ""
    assert steady_run.psql("SELECT count(*) FROM pg_hba_file_rules") == "1"
    assert steady_run.psql("SELECT auth_method FROM pg_hba_file_rules") == "peer"
    users = steady_run.psql("SELECT sys_name FROM pg_ident_file_mappings")
    assert users == getpass.getuser() or users == pwd.getpwuid(os.geteuid()).pw_name


@pytest.mark.skipif(not IS_ROOT, reason="only root can be someone else")
def test_another_local_user_cannot_connect_even_if_the_socket_is_accessible(steady_run: Run) -> None:
    """The directory of the socket keeps other users out. If it is opened by mistake, peer authentication still does."""
    directory = socket_dir(steady_run.data_dir)
    program = [shutil.which("psql") or binary("psql"), "-w", "-h", str(directory), "-U", "stockstream"]
    program += ["-d", "stockstream", "-c", "SELECT 1"]
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    closed = subprocess.run([*as_nobody, *program], capture_output=True, text=True, check=False, cwd="/")
    assert closed.returncode != 0
    if shutil.which("psql"):
        directory.chmod(0o755)
        (directory / ".s.PGSQL.5432").chmod(0o777)
        opened = subprocess.run([*as_nobody, *program], capture_output=True, text=True, check=False, cwd="/")
        directory.chmod(0o700)
        assert 'Peer authentication failed for user "stockstream"' in opened.stderr


@pytest.mark.skipif(not IS_ROOT, reason="only root can be someone else")
def test_a_plain_user_can_run_it_in_a_home_that_no_one_else_can_enter(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Runs a copy that belongs to `nobody`, including the PostgreSQL binaries, in a directory of mode 0700.

    The other tests cover root, since this one runs only as root.
    """
    interpreter = "/usr/bin/python3"
    version = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    if not Path(interpreter).exists() or subprocess.run([interpreter, "-c", version], check=False).returncode != 0:
        pytest.skip("no interpreter of this version that a plain user can reach")
    site = Path(binary("postgres")).parents[3]
    uid = pwd.getpwnam("nobody").pw_uid
    home = Path("/tmp") / f"home of nobody {os.getpid()}"
    try:
        for name in ("api_service", "stream_service", "shared", "sql", "frontend"):
            shutil.copytree(ROOT / name, home / name)
        unused = shutil.ignore_patterns("playwright", "mypy*", "*mypyc*", "ruff*", "__pycache__")
        shutil.copytree(site, home / "site", ignore=unused)
        home.chmod(0o700)
        for path in [home, *home.rglob("*")]:
            os.chown(path, uid, -1, follow_symlinks=False)
        run = Run(home / "data", PYTHONPATH=f"{home}:{home / 'site'}", HOME=str(home))
        run.output = tmp_path_factory.mktemp("output") / "out"
        # -S: use only the packages of the copy
        run.start(program=("setpriv", f"--reuid={uid}", "--clear-groups", "--", interpreter, "-S"), cwd=home)
        try:
            run.wait_until_ready()
            with urllib.request.urlopen(f"http://127.0.0.1:{run.api}/api/inventories") as response:
                assert response.read() == b"[]"
            assert (home / "data").stat().st_uid == uid
            assert stat.S_IMODE(home.stat().st_mode) == 0o700
        finally:
            run.signal(signal.SIGTERM)
        assert run.wait() == 0
        assert run.processes() == []
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.mark.parametrize("victim", ["shared.local run", "shared.local.runner", "supervisord"])
def test_a_killed_run_ends_all_its_processes_and_the_next_one_starts(tmp_path: Path, victim: str) -> None:
    folders = tmp_path / "folders"
    folders.mkdir()
    run = Run(tmp_path / "data", TMPDIR=str(folders))
    run.start()
    run.wait_until_ready()
    run.psql("INSERT INTO inventory (name, quantity) VALUES ('bolt', 5)")
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in run.processes()}
    (pid,) = [pid for pid, command in commands.items() if re.search(rf"{victim}\b", command)]
    os.kill(pid, signal.SIGKILL)
    assert run.wait() != 0
    deadline = time.monotonic() + STOP_SECONDS
    while left := run.processes():
        assert time.monotonic() < deadline, left
        time.sleep(0.02)
    assert not socket_dir(run.data_dir).exists()
    assert list(folders.iterdir()) == []
    with running(run):
        assert run.psql("SELECT count(*) FROM inventory") == "1"


def test_a_run_that_stops_after_its_starter_was_killed_keeps_others_from_its_data(tmp_path: Path) -> None:
    run = Run(tmp_path / "data")
    run.start()
    run.wait_until_ready()
    (server,) = [pid for pid in run.processes() if "bin/postgres" in Path(f"/proc/{pid}/cmdline").read_text()]
    os.kill(server, signal.SIGSTOP)  # simulates a PostgreSQL that takes long to stop
    try:
        run.signal(signal.SIGKILL)
        run.wait()
        other = Run(tmp_path / "data")
        other.output = tmp_path / "other.out"
        other.start()
        assert other.wait() == 1
        assert "is in use by another stockstream" in other.output.read_text()
    finally:
        os.kill(server, signal.SIGCONT)
    deadline = time.monotonic() + STOP_SECONDS
    while left := run.processes():
        assert time.monotonic() < deadline, left
        time.sleep(0.02)
