"""Which tables kept answers are made of, and triggers that raise a number whenever one of these is written.

Triggers, because writers are many (the ORM, COPY, statements of our own, an operator's psql) and one that forgets to
say so would leave an old page standing. On SQLite number and rows change at once.
No writer waits: on PostgreSQL the number is that of a sequence, which is raised before the rows can be seen, and to it
belong the transactions that have raised it and are still open: when one of them commits, there is one less.
Rates, decisions and what follows from them are not here: their writers raise `Generation` (markets.redis.generations).
"""

from collections.abc import Mapping

from django.apps import apps
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

# What every page may show, and changes seldom; prices; the state of the work, which changes with every run.
PUBLIC, PRICES, WORK = "public", "prices", "work"
TABLES: Mapping[str, tuple[str, ...]] = {
    PUBLIC: (
        *("markets.Source", "markets.Instrument", "markets.Alias", "markets.Listing", "markets.ListedAsset"),
        *("markets.Publication", "markets.Revision", "markets.Override", "markets.Gap", "markets.Problem"),
        *("markets.ArchiveReading", "signals.Trial"),
        *("alerts.AlertRule", "alerts.AlertEvent", "alerts.AlertDefaults", "alerts.Silence"),
    ),
    PRICES: ("markets.Quote", "markets.Tick", "markets.Candle"),
    WORK: ("markets.Job", "miner.SyncStatus", "miner.QueueItem", "django_q.Schedule"),
}
# Raised by every writer with `generations.changed`, in its own transaction.
BY_GENERATION = (
    *("markets.Rate", "markets.Generation"),
    *("signals.Signal", "signals.AnalysisSnapshot", "signals.Outcome"),
)
NUMBERS = "charon_scopenumber"
PREFIX = "kept_"

# Of the locks of transactions that have raised a scope: it conflicts with nothing, and says who has not committed yet.
LOCK = 0x6B657074
# The lock comes first: whoever reads a raised number finds its writer holding it, or committed.
BODY = f"""
BEGIN
    PERFORM pg_advisory_xact_lock_shared({LOCK}, hashtext(TG_ARGV[0]));
    PERFORM nextval('{PREFIX}' || TG_ARGV[0]);
    RETURN NULL;
END """
FUNCTION = f"CREATE OR REPLACE FUNCTION {PREFIX}raise() RETURNS trigger LANGUAGE plpgsql AS $${BODY}$$"
# Of a column of their table, with which they go wherever it goes.
SEQUENCES = "; ".join(f"CREATE SEQUENCE IF NOT EXISTS {PREFIX}{scope} OWNED BY {NUMBERS}.name" for scope in TABLES)
POSTGRES = (
    "CREATE TRIGGER {name} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT "
    f"EXECUTE FUNCTION {PREFIX}raise('{{scope}}')"
)
RAISED = " UNION ALL ".join(
    f"SELECT '{scope}', last_value + is_called::int FROM {PREFIX}{scope}"
    for scope in TABLES  # nosec B608
)
OPEN = f"""
SELECT name, virtualtransaction FROM unnest(%s::text[]) AS name JOIN pg_locks ON objid = hashtext(name)::oid
WHERE locktype = 'advisory' AND classid = {LOCK} AND objsubid = 2
AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY name, virtualtransaction
"""  # nosec B608
# SQLite has one writer at a time, and triggers for rows alone: 4 µs for each of them.
SQLITE = (
    "CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN "
    f"UPDATE {NUMBERS} SET number = number + 1 WHERE name = '{{scope}}'; "
    f"INSERT INTO {NUMBERS} (name, number) SELECT '{{scope}}', 1 "
    f"WHERE NOT EXISTS (SELECT 1 FROM {NUMBERS} WHERE name = '{{scope}}'); END"
)


def numbers(connection: BaseDatabaseWrapper) -> dict[str, tuple[int | str, ...]]:
    """By scope, what is another one behind each commit that wrote one of its tables: a number, and on PostgreSQL the
    transactions that have raised it and not committed yet. In this order: one that began between the two has not
    raised the number that was read, and is none that held the lock before, as its process may be.
    """
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute(f"SELECT name, number FROM {NUMBERS}")  # nosec B608
            return {str(name): (int(number),) for name, number in cursor.fetchall()}
        cursor.execute(RAISED)
        found: dict[str, tuple[int | str, ...]] = {name: (number,) for name, number in cursor.fetchall()}
        cursor.execute(OPEN, [list(TABLES)])
        for name, transaction in cursor.fetchall():
            found[name] += (transaction,)
    return found


def install(using: str = "default", **_: object) -> None:
    """After every migration: Django makes a table of SQLite anew to change it, and its triggers go with the old one."""
    connection = connections[using]
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        wanted = statements(connection.vendor, there) if NUMBERS in there else {}
        found = triggers(connection)
        if connection.vendor == "postgresql" and wanted and function(connection) != BODY:
            cursor.execute(SEQUENCES)
            cursor.execute(FUNCTION)
        for name in wanted.keys() - found:
            cursor.execute(wanted[name])


def statements(vendor: str, there: set[str]) -> dict[str, str]:
    """What makes each trigger, by its name."""
    made: dict[str, str] = {}
    for scope, labels in TABLES.items():
        for label in labels:
            table = apps.get_model(label)._meta.db_table
            if table in there:
                made |= of_table(vendor, table, scope)
    return made


def of_table(vendor: str, table: str, scope: str) -> dict[str, str]:
    if vendor == "postgresql":
        name = f"{PREFIX}{table}"
        return {name: POSTGRES.format(name=name, table=table, scope=scope)}
    names = {event: f"{PREFIX}{table}_{event.lower()}" for event in ("INSERT", "UPDATE", "DELETE")}
    return {name: SQLITE.format(name=name, event=event, table=table, scope=scope) for event, name in names.items()}


def triggers(connection: BaseDatabaseWrapper) -> set[str]:
    known = {
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    }
    with connection.cursor() as cursor:
        cursor.execute(known[connection.vendor])
        return {name for (name,) in cursor.fetchall() if name.startswith(PREFIX)}


def function(connection: BaseDatabaseWrapper) -> str | None:
    """What the triggers of PostgreSQL run, which may be an earlier release's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE oid = to_regproc(%s)", [f"{PREFIX}raise"])
        found = cursor.fetchone()
    return found and str(found[0])


def remove(using: str = "default") -> None:
    """Without their table the triggers would fail every write."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"DROP FUNCTION IF EXISTS {PREFIX}raise() CASCADE")
        else:
            for name in triggers(connection):
                cursor.execute(f"DROP TRIGGER {name}")
