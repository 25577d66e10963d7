"""PostgreSQL by its own programs: a dump of one moment, and a restore that replaces everything or nothing."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from django.db import connection, transaction
from django.db.backends.postgresql.client import DatabaseClient

from charon.upkeep import Refused
from markets.jobs import runs

# What was there before a restore waits here until the restored tables are migrated.
BEFORE = "charon_before"
OURS = (
    "SELECT c.relname FROM pg_class c WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p') "
    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY 1"
)
# What the triggers of charon.kept.watched call: it must step aside with the tables.
FUNCTIONS = (
    "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = %s::regnamespace AND p.prorettype = 'trigger'::regtype "
    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY 1"
)
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
# Meanwhile no statement of this session is too long, and none is idle for too long.
PATIENT = ("SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0")
MEBIBYTE = 1 << 20


def program(name: str) -> str:
    if found := shutil.which(name):
        return found
    raise Refused(
        f"{name} is not installed here; it comes with the client programs of PostgreSQL (Debian and Ubuntu: apt "
        "install postgresql-client). With containers: docs/operations.md, Backup and restore."
    )


def command(name: str, *words: str) -> tuple[list[str], dict[str, str]]:
    """The call with the place of the database, and its environment, where the password stands."""
    args, env = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, list(words))
    return [program(name), *args[1:]], {**os.environ, "PGCONNECT_TIMEOUT": "5", **(env or {})}


def dump(snapshot: str, into: IO[bytes]) -> None:
    words, env = command("pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--exclude-schema={BEFORE}",
                         "--lock-wait-timeout=30s", "--no-password")  # fmt: skip
    with running(words, env=env, stdout=subprocess.PIPE) as process:
        shutil.copyfileobj(pipe(process.stdout), into, MEBIBYTE)


def check(dumped: Path) -> None:
    """Raises Refused where pg_restore cannot list what is in it."""
    with running([program("pg_restore"), "--list", str(dumped)], stdout=subprocess.DEVNULL):
        pass


@contextmanager
def running(words: list[str], **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program, from its start to its end. Raises Refused with its words when it fails; it ends with this block."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, stdin=more.pop("stdin", subprocess.DEVNULL), stderr=said, **more)  # noqa: S603
        try:
            yield process
            code = process.wait()
        except BrokenPipeError:
            if process.stdin is None:  # the reader has failed, not this program
                raise
            code = process.wait() or 1
        finally:
            end(process)
        if code:
            said.seek(0)
            last = runs.scrub(said.read().decode(errors="replace")) or f"code {code}"
            raise Refused(f"{Path(words[0]).name} failed: {last}")


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):
            if stream:
                stream.close()


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("a program without a pipe")
    return stream


@contextmanager
def snapshot() -> Iterator[str]:
    """One moment of the database, for this connection and for the program that gets the name."""
    with transaction.atomic(), connection.cursor() as cursor:
        for words in ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", *PATIENT):
            cursor.execute(words)
        cursor.execute("SELECT pg_export_snapshot()")
        yield str(cursor.fetchone()[0])


def ask(sql: str, *values: Any) -> list[Any]:
    """The first column."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]


def tables(schema: str) -> list[str]:
    """Without those of extensions; none where there is no such schema."""
    return ask(OURS, schema) if ask("SELECT 1 FROM pg_namespace WHERE nspname = %s", schema) else []


def rows() -> dict[str, int]:
    return {name: ask(f"SELECT count(*) FROM {quoted(name)}")[0] for name in tables(schema())}


def schema() -> str:
    return str(ask("SELECT current_schema()")[0])


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def refuse_others() -> None:
    if others := ask(OTHERS)[0]:
        raise Refused(
            f"{others} other connections to the database are open. End what uses it first "
            "(make down; with containers: docker compose stop web live miner brain pulse)."
        )


def drop(names: list[str], within: str) -> list[str]:
    listed = ", ".join(f"{quoted(within)}.{quoted(name)}" for name in names)
    return [f"DROP TABLE {listed} CASCADE"] if names else []


def moves(names: list[str], of: str, to: str) -> list[str]:
    """Indexes, constraints and the sequences of columns go with their table."""
    return [f"ALTER TABLE {quoted(of)}.{quoted(name)} SET SCHEMA {quoted(to)}" for name in names]


def functions(schema: str) -> list[str]:
    return [f"{quoted(schema)}.{quoted(name)}()" for name in ask(FUNCTIONS, schema)]


def functions_moved(of: str, to: str) -> list[str]:
    return [f"ALTER FUNCTION {name} SET SCHEMA {quoted(to)}" for name in functions(of)]


def execute(statements: list[str]) -> None:
    """All of them, or none."""
    with transaction.atomic(), connection.cursor() as cursor:
        for words in (*PATIENT, *statements):
            cursor.execute(words)


def put_back() -> None:
    """What was there before a restore that did not come to its end; nothing where each came to its end."""
    here = schema()
    if ask("SELECT 1 FROM pg_namespace WHERE nspname = %s", BEFORE):
        before = [*moves(tables(BEFORE), BEFORE, here), *functions_moved(BEFORE, here)]
        gone = [*drop(tables(here), here), *(f"DROP FUNCTION {name}" for name in functions(here))]
        execute([*gone, *before, f"DROP SCHEMA {quoted(BEFORE)}"])


def forget_before() -> None:
    execute([f"DROP SCHEMA IF EXISTS {quoted(BEFORE)} CASCADE"])


def put(dumped: Path) -> None:
    """One transaction: the tables that are there step aside, those of the dump come. It ends without a COMMIT, and so
    without a trace, when a program fails or this process is killed.
    """
    here = schema()
    aside = ["SET lock_timeout = '10s'", f"CREATE SCHEMA {quoted(BEFORE)}", *moves(tables(here), here, BEFORE)]
    aside += functions_moved(here, BEFORE)
    connection.close()
    words, env = command("psql", "-X", "-q", "-w", "-v", "ON_ERROR_STOP=1")
    quiet = {"env": env, "stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL}
    script = [program("pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error", "--file=-", str(dumped)]
    with running(words, **quiet) as psql:
        to = pipe(psql.stdin)
        to.write(";\n".join(["BEGIN", *aside, ""]).encode())
        with running(script, stdout=subprocess.PIPE) as restore:
            shutil.copyfileobj(pipe(restore.stdout), to, MEBIBYTE)
        to.write(b"\nCOMMIT;\n")
        to.close()
