"""The runner of the suite on PostgreSQL and Redis: `python -m tests.services [arguments]`.

`make test-services` calls it. Fault tests start and stop servers of their own, so the programs must be installed; on
Debian it installs them. PostgreSQL is TEST_DATABASE_URL, else the one of this machine if it accepts us, else a new one
in a temporary folder; the tests create their own databases there. Redis is TEST_REDIS_URL, else a new one: the tests
empty it, and Redis channels are shared by all its databases.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256

import psycopg

from tests.processes import ROOT
from tests.servers import POSTGRES_USER, postgres_server, redis_server, where

NEEDED = {"postgres": "postgresql", "initdb": "postgresql", "redis-server": "redis-server", "redis-cli": "redis-tools"}
# One database per checkout: two checkouts may be tested at once on one server.
DATABASE = f"charon_{sha256(str(ROOT).encode()).hexdigest()[:8]}"

# Two workers, each on its own databases; tests that start servers and installations use the whole machine alone.
EVERYDAY = ["-m", "not services and not processes", "-n", "2", "-p", "tests.reaching"]
FAULTS = ["-m", "services", "-n", "0"]
# `make test` leaves these out for their time; they are as they are there, on SQLite and without Redis.
# Two workers: with a third one the processes of all starve each other, and waits of seconds become minutes.
LONGER = ["-m", "slow or processes", "-n", "2"]
NO_TESTS = 5  # pytest's exit code when no test matches (`-k`)


def main(words: list[str]) -> int:
    if missing := lacking():
        install(missing)
    with ExitStack() as servers:
        postgres = os.environ.get("TEST_DATABASE_URL") or machine_postgres() or servers.enter_context(own_postgres())
        redis = os.environ.get("TEST_REDIS_URL") or servers.enter_context(redis_server()).url
        say(f"PostgreSQL: {without_password(postgres)}\nRedis:      {without_password(redis)}")
        env = os.environ | {"TEST_DATABASE_URL": postgres, "TEST_REDIS_URL": redis}
        ends = [run_tests(which, words, env) for which in (EVERYDAY, FAULTS)]
        ends.append(run_tests(LONGER, words, plain()))
    return next((end for end in ends if end not in {0, NO_TESTS}), min(ends))


def run_tests(which: list[str], words: list[str], env: dict[str, str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *which, *words], cwd=ROOT, env=env).returncode


def plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in {"TEST_DATABASE_URL", "TEST_REDIS_URL"}}


def lacking() -> list[str]:
    """The Debian packages of the programs that are not installed."""
    return sorted({package for name, package in NEEDED.items() if not where(name)})


def install(packages: list[str]) -> None:
    wanted = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"The tests need programs that are not here. On Debian and Ubuntu: sudo apt install {wanted}")
    say(f"Installing {wanted}")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        if subprocess.run(["apt-get", *words], env=env, stdout=subprocess.DEVNULL).returncode:
            sys.exit(f"apt-get {words[0]} failed; install by hand: {wanted}")
    if still := lacking():
        sys.exit(f"{' '.join(still)} is installed, and its programs are not where Debian puts them.")


def machine_postgres() -> str:
    """The URL of the PostgreSQL on 127.0.0.1, if it is 15 or newer and lets us create databases without a password."""
    for user in (os.environ.get("USER") or "root", POSTGRES_USER):
        server = f"postgres://{user}@127.0.0.1:5432"
        try:
            with psycopg.connect(f"{server}/postgres", connect_timeout=2) as connection:
                allowed = connection.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = user")
                if connection.info.server_version >= 150_000 and allowed.fetchone() == (True,):
                    return f"{server}/{DATABASE}"
        except psycopg.Error:
            continue
    return ""


@contextmanager
def own_postgres() -> Iterator[str]:
    with postgres_server() as server:
        yield server.url_of(DATABASE)


def without_password(url: str) -> str:
    head, at, place = url.rpartition("@")
    return f"{head.rpartition(':')[0] if head.count(':') > 1 else head}{at}{place}"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
