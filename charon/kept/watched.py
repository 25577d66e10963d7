"""Which tables kept answers are made of, and triggers that raise a number whenever one of these is written.

Triggers, because writers are many (the ORM, COPY, statements of our own, an operator's psql) and one that forgets to
say so would leave an old page standing. They run in the writer's own transaction: page and number change at once.
No writer waits: on PostgreSQL one that finds the row of its scope taken writes another, and the stamp is the sum.
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

# Once a transaction: its rows are seen together. Each update of a row leaves a version that the next one has to read
# past while the transaction is open: of 20,000 statements each took 200 µs more. The setting ends with the transaction,
# and with a savepoint that is taken back, as the number does.
BODY = f"""
DECLARE told text := 'charon.kept_' || TG_ARGV[0];
BEGIN
    IF current_setting(told, true) = 'raised' THEN RETURN NULL; END IF;
    UPDATE {NUMBERS} SET number = number + 1 WHERE id = (
        SELECT id FROM {NUMBERS} WHERE name = TG_ARGV[0] FOR NO KEY UPDATE SKIP LOCKED LIMIT 1);
    IF NOT FOUND THEN INSERT INTO {NUMBERS} (name, number) VALUES (TG_ARGV[0], 1); END IF;
    PERFORM set_config(told, 'raised', true);
    RETURN NULL;
END """  # nosec B608
FUNCTION = f"CREATE OR REPLACE FUNCTION {PREFIX}raise() RETURNS trigger LANGUAGE plpgsql AS $${BODY}$$"
POSTGRES = (
    "CREATE TRIGGER {name} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT "
    f"EXECUTE FUNCTION {PREFIX}raise('{{scope}}')"
)
# SQLite has one writer at a time, and triggers for rows alone: 4 µs for each of them.
SQLITE = (
    "CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN "
    f"UPDATE {NUMBERS} SET number = number + 1 WHERE name = '{{scope}}'; "
    f"INSERT INTO {NUMBERS} (name, number) SELECT '{{scope}}', 1 "
    f"WHERE NOT EXISTS (SELECT 1 FROM {NUMBERS} WHERE name = '{{scope}}'); END"
)


def install(using: str = "default", **_: object) -> None:
    """After every migration: Django makes a table of SQLite anew to change it, and its triggers go with the old one."""
    connection = connections[using]
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        wanted = statements(connection.vendor, there) if NUMBERS in there else {}
        found = triggers(connection)
        if connection.vendor == "postgresql" and wanted and function(connection) != BODY:
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
