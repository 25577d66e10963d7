"""A web process of the release before works on beside new tables: migrations add; they take away a release later.

What a migration may not do: take a table or a column away, or demand a value that an old process does not give.
"""

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models import Field
from django.db.models.fields import NOT_PROVIDED

OURS = {"markets", "miner", "signals", "alerts"}

# No table or column is gone. These columns are older than the rule: who adds one gives it a db_default, or NULL. An
# old process is refused rows of such a table, as a whole and with 500.
BEFORE_THE_RULE = {
    "markets.0002_prices_and_generations": [
        "markets_job.details", "markets_quote.end_of_day", "markets_source.public_api",
    ],
    "markets.0008_outbox": ["markets_ingest.claimed_by", "markets_ingest.consumer"],
    "markets.0010_listings_of_sources": [
        "markets_source.has_listing", "markets_source.other_names", "markets_source.rotating",
    ],
    "markets.0012_gaps_asked_again": ["markets_gap.cause"],
    "markets.0018_known": ["markets_publication.first_fetched_at"],
    "miner.0003_past_of_listings": ["miner_syncstatus.past_tries"],
    "signals.0003_rules": ["signals_analysissnapshot.timeframe"],
    "signals.0005_candle_states": ["signals_analysissnapshot.error"],
}  # fmt: skip


# Of each table its columns, and whether a row may be written without them.
Tables = dict[str, dict[str, bool]]


def tables(state: ProjectState) -> Tables:
    found: Tables = {}
    for (app, model), kept in state.models.items():
        if app in OURS and kept.options.get("managed", True):
            name = kept.options.get("db_table") or f"{app}_{model}"
            found[name] = {
                column(key, field): may_be_left_out(field) for key, field in kept.fields.items() if is_one(field)
            }
    return found


def is_one(field: "Field[object, object]") -> bool:
    return not field.many_to_many


def column(name: str, field: "Field[object, object]") -> str:
    return field.db_column or (f"{name}_id" if field.remote_field else name)


def may_be_left_out(field: "Field[object, object]") -> bool:
    return field.null or field.primary_key or field.db_default is not NOT_PROVIDED


def stumbles(before: Tables, after: Tables) -> list[str]:
    """What the models of `before` can no longer do on the tables of `after`."""
    found = [f"{table} is gone" for table in before if table not in after]
    for table in before.keys() & after.keys():
        old, new = before[table], after[table]
        found += [f"{table}.{name} is gone" for name in old if name not in new]
        added = [name for name in new if name not in old and not new[name]]
        found += [f"{table}.{name} is not filled by them" for name in added]
        kept = [name for name in new if name in old and old[name] and not new[name]]
        found += [f"{table}.{name} may no longer be empty" for name in kept]
    return sorted(found)


def walked() -> dict[str, list[str]]:
    """Every migration of ours, in the order in which they are applied, and what an old process loses by it."""
    loader, state, seen = MigrationLoader(None), ProjectState(), set()
    found: dict[str, list[str]] = {}
    for leaf in sorted(loader.graph.leaf_nodes()):
        for node in loader.graph.forwards_plan(leaf):
            if node in seen:
                continue
            seen.add(node)
            before = tables(state)
            state = loader.graph.nodes[node].mutate_state(state, preserve=False)
            if node[0] in OURS:
                found[".".join(node)] = stumbles(before, tables(state))
    return found


def test_an_old_process_beside_new_tables_reads_and_writes_as_before() -> None:
    steps = walked()
    assert len(steps) > 35
    earlier = {name: [f"{one} is not filled by them" for one in columns] for name, columns in BEFORE_THE_RULE.items()}
    assert {name: lost for name, lost in steps.items() if lost} == earlier


def test_what_would_hurt_it_is_found() -> None:
    before = {"a": {"x": False, "y": True}, "b": {"x": True}}
    after = {"a": {"y": False, "z": False, "w": True}}
    assert stumbles(before, after) == [
        "a.x is gone", "a.y may no longer be empty", "a.z is not filled by them", "b is gone",
    ]  # fmt: skip
