"""Redis and PostgreSQL servers for tests, on free ports and in temporary folders.

A test may stop, kill, freeze and restart them, unlike the servers of the machine. If a program is not installed, the
test is skipped with its name; `make test-services` installs them.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from tests.processes import free_port, until

PR_SET_PDEATHSIG = 1  # linux/prctl.h
POSTGRES_USER = "postgres"


@dataclass
class Server:
    """One server process; `command` starts it any number of times on the same port and folder."""

    port: int
    folder: Path
    command: list[str]
    asks: list[str]
    user: str | None = None
    stops_by: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
                preexec_fn=die_with_parent,
            )
        until(self.answers)

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.said()
        return subprocess.run(self.asks, capture_output=True, timeout=40).returncode == 0

    def stop(self) -> None:
        """Stop it in order, as an operator would."""
        self.send(self.stops_by)
        self.ended()

    def kill(self) -> None:
        """Kill it: data that was not written is lost."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGKILL)
        self.ended()

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Connections stay open and nothing answers, until `thaw`."""
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def send(self, number: signal.Signals) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def ended(self) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def said(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")


S = TypeVar("S", bound=Server)


class Redis(Server):
    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def cli(self, *words: str) -> str:
        """The output of redis-cli: what other programs see of Charon's data."""
        command = [program("redis-cli"), "-p", str(self.port), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()


class Postgres(Server):
    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgres://{POSTGRES_USER}@127.0.0.1:{self.port}/{database}"

    def sql(self, text: str, database: str = "postgres") -> str:
        """The output of psql, with columns separated by `|`."""
        command = [program("psql"), "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text, self.url_of(database)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()

    def kill(self) -> None:
        """The postmaster and all its children at once; the next start recovers from the log of writes."""
        if self.process and self.process.poll() is None:
            children = descendants(self.process.pid)
            super().kill()
            for pid in children:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)


@contextmanager
def redis_server(*options: str) -> Iterator[Redis]:
    """A Redis without persistence; `options` as on its command line (`"--maxmemory", "2mb"`)."""
    server, cli = program("redis-server"), program("redis-cli")
    with folder("charon-redis-") as here:
        port = free_port()
        command = [server, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(here), "--save", "", *options]
        yield from running(Redis(port, here, command, [cli, "-p", str(port), "ping"]))


@contextmanager
def postgres_server(**parameters: str) -> Iterator[Postgres]:
    """A new PostgreSQL with the superuser `postgres` and no password; `parameters` as in postgresql.conf.

    fsync is off, which matters only if the whole machine crashes; pass `fsync="on"` to measure.
    """
    initdb, server, ready = program("initdb"), program("postgres"), program("pg_isready")
    user = unprivileged()
    with folder("charon-pg-") as here:
        if user:
            shutil.chown(here, user, user)
        words = [initdb, "-D", str(here / "data"), "-U", POSTGRES_USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        subprocess.run(words, cwd=here, user=user, group=user, check=True, capture_output=True, timeout=60)
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(here),
            "fsync": "off",
        } | parameters
        command = [server, "-D", str(here / "data")]
        command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        asks = [ready, "-q", "-h", "127.0.0.1", "-p", str(port)]
        # SIGINT is its fast shutdown: sessions are ended, nothing is lost.
        yield from running(Postgres(port, here, command, asks, user, signal.SIGINT))


def running(server: S) -> Iterator[S]:
    server.start()
    try:
        yield server
    finally:
        server.thaw()
        server.stop()


@contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """A temporary folder with a short path, because a socket's path may have 107 characters at most."""
    here = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    try:
        yield here
    finally:
        shutil.rmtree(here, ignore_errors=True)


def program(name: str) -> str:
    found = where(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def where(name: str) -> str | None:
    """The path of a program, also in PostgreSQL's folders, which Debian keeps out of PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
    return shutil.which(name, path=os.pathsep.join([*map(str, places), os.environ.get("PATH", "")]))


def unprivileged() -> str | None:
    """The user to run PostgreSQL as, since it refuses root; None for the current user."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(POSTGRES_USER).pw_name
    except KeyError:
        pytest.skip(f"PostgreSQL does not run as root, and there is no user {POSTGRES_USER}")


def descendants(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def die_with_parent() -> None:
    """Let the kernel kill the server with this process, so that a killed test run leaves no servers behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
