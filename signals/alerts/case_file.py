"""The file of an operator's cases: TOML, series in promtool's notation, and what is wrong with it in one line."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from signals.alerts import limits
from signals.alerts.cases import MISSING, STALE, Case, Moment, Rule, Sample, watch
from signals.alerts.machine import ARMED, BOTH, DOWN, FIRING, SUSPENDED, UP

HEAD = re.compile(r"^[ \t]*\[\[[ \t]*case[ \t]*\]\]", re.MULTILINE)
NUMBER = r"[0-9]+(?:\.[0-9]+)?"
RUN = re.compile(rf"({NUMBER})(?:([+-]{NUMBER}))?x([0-9]{{1,6}})|({NUMBER})|_(?:x([0-9]{{1,6}}))?|stale")
DURATION = re.compile(r"([0-9]{1,6})([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# A year of five-minute prices: a case is run once for each of its moments.
MOST_SAMPLES = 105_120
MINUTE = timedelta(minutes=1)
KINDS, DIRECTIONS, STATES = ("move", "level"), (UP, DOWN, BOTH), (ARMED, FIRING, SUSPENDED)
CASE_KEYS = ("name", "start", "every", "series", "rule", "expect", "fresh_for")
RULE_KEYS = ("id", "kind", "asset", "window", "threshold_pct", "direction", "level", "hysteresis_pct", "cooldown")
MOMENT_KEYS = ("at", "firing", "events", "deliveries", "state")
# By the name that the API has for it.
OWN_NAMES = {"window_minutes": "window"}
NO_LIMIT = 10**9


class CaseFault(Exception):
    """What is wrong, without where."""


def read(text: str) -> list[Case]:
    """Raises CaseFault, which names the line and the case."""
    try:
        found = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise CaseFault(f"is no TOML: {error}") from None
    keys(found, ("case",), "the file")
    given = found.get("case")
    if not isinstance(given, list) or not given:
        raise CaseFault("has no [[case]]")
    lines = [text.count("\n", 0, head.start()) + 1 for head in HEAD.finditer(text)]
    return [at_its_place(one, number, lines) for number, one in enumerate(given)]


def at_its_place(given: Any, number: int, lines: list[int]) -> Case:
    line = lines[number] if number < len(lines) else 0
    name = given.get("name") if isinstance(given, dict) else None
    try:
        return case(given, line)
    except CaseFault as fault:
        where = f"line {line}, " if line else ""
        raise CaseFault(f"{where}case {name or number + 1!r}: {fault}") from None


def case(given: Any, line: int) -> Case:
    keys(table(given, "a case"), CASE_KEYS, "a case")
    start = need(given, "start", datetime, "a moment such as 2026-01-05T10:00:00Z")
    if start.tzinfo is None:
        raise CaseFault("start has no time zone: write 2026-01-05T10:00:00Z")
    written = table(need(given, "series", dict, "a table of series"), "series")
    series = {code: samples(code, values) for code, values in written.items()}
    rules = [rule(one, list(series)) for one in listed(given, "rule")]
    ids = [one.id for one in rules]
    if twice := {one for one in ids if ids.count(one) > 1}:
        raise CaseFault(f"rule id {', '.join(sorted(twice))} is there twice")
    return Case(
        name=need(given, "name", str, "a text"),
        line=line,
        start=start,
        every=duration(given, "every"),
        series=series,
        rules=rules,
        moments=[moment(one, ids) for one in listed(given, "expect")],
        fresh_for=duration(given, "fresh_for") if "fresh_for" in given else None,
    )


def keys(given: Mapping[str, Any], known: Iterable[str], what: str) -> None:
    for name in given:
        if name not in known:
            meant = get_close_matches(name, list(known), n=1)
            hint = f"did you mean {meant[0]}?" if meant else f"there are {', '.join(known)}"
            raise CaseFault(f"{name} is no key of {what}; {hint}")


def table(given: Any, what: str) -> dict[str, Any]:
    if not isinstance(given, dict) or not given:
        raise CaseFault(f"{what} must be a table that is not empty")
    return given


def need(given: Mapping[str, Any], name: str, kind: type, words: str) -> Any:
    if name not in given:
        raise CaseFault(f"{name} is missing")
    if not isinstance(given[name], kind) or isinstance(given[name], bool):
        raise CaseFault(f"{name} must be {words}")
    return given[name]


def listed(given: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = need(given, name, list, "a list of tables")
    if not found:
        raise CaseFault(f"{name} is empty")
    return [table(one, name) for one in found]


def duration(given: Mapping[str, Any], name: str) -> timedelta:
    text = need(given, name, str, "a length of time such as 30s, 10m, 1h, 2d")
    found = DURATION.fullmatch(text)
    if not found:
        raise CaseFault(f"{name} {text!r} is no length of time; write 30s, 10m, 1h or 2d")
    length = timedelta(**{UNITS[found[2]]: int(found[1])})
    if not length and name in {"every", "window"}:
        raise CaseFault(f"{name} must be above 0")
    return length


def samples(code: str, text: Any) -> list[Sample]:
    if not isinstance(text, str) or not text.split():
        raise CaseFault(f"series {code} must be a text of values such as '100x9 101+1x9 _x4 stale'")
    found: list[Sample] = []
    for word in text.split():
        found += values(code, word)
        if len(found) > MOST_SAMPLES:
            raise CaseFault(f"series {code} has more than {MOST_SAMPLES} values")
    return found


def values(code: str, word: str) -> Iterator[Sample]:
    """`a+bxc` is c + 1 values as in promtool, `_xN` are N that are missing."""
    run = RUN.fullmatch(word)
    if run is None:
        raise CaseFault(f"series {code}: {word!r} is no value; write 100, 100x9, 101+1x9, _, _x4 or stale")
    first, step, times, single, missing = run.groups()
    if first is None and single is None:
        yield from [STALE] if word == STALE else [MISSING] * int(missing or 1)
        return
    for number in range(int(times or 0) + 1):
        value = Decimal(first or single) + number * Decimal(step or 0)
        if value <= 0:
            raise CaseFault(f"series {code}: {word!r} comes to {value}, and a price is above 0")
        yield value


def rule(given: dict[str, Any], series: list[str]) -> Rule:
    name = need(given, "id", str, "a text")
    try:
        return named_rule(name, given, series)
    except CaseFault as fault:
        raise CaseFault(f"rule {name!r}: {fault}") from None


def named_rule(name: str, given: dict[str, Any], series: list[str]) -> Rule:
    keys(given, RULE_KEYS, "a rule")
    kind, direction = one_of(given, "kind", KINDS, KINDS[0]), one_of(given, "direction", DIRECTIONS, BOTH)
    if "asset" not in given and len(series) > 1:
        raise CaseFault(f"asset is missing; there are the series {', '.join(series)}")
    asset = one_of(given, "asset", series, series[0])
    window = duration(given, "window") if "window" in given or kind == "move" else timedelta()
    cooldown = duration(given, "cooldown") if "cooldown" in given else timedelta(hours=1)
    if window % MINUTE or cooldown % MINUTE:
        raise CaseFault("window and cooldown are whole minutes")
    figures = {field: decimal(given, field) for field in ("threshold_pct", "level", "hysteresis_pct")}
    if kind == "move" and figures["threshold_pct"] is None:
        raise CaseFault("threshold_pct is missing")
    windows = {"window_minutes": window // MINUTE if "window" in given else None}
    for fault in limits.faults(kind, windows | figures | {"cooldown_minutes": cooldown // MINUTE}, NO_LIMIT):
        raise CaseFault(f"{OWN_NAMES.get(fault.field, fault.field)} {fault.message}")
    return Rule(name, asset, watch(kind, direction, figures, cooldown), window)


def one_of(given: Mapping[str, Any], name: str, known: Iterable[str], default: str) -> str:
    value = given.get(name, default)
    if value not in list(known):
        raise CaseFault(f"{name} must be one of {', '.join(known)}")
    return str(value)


def decimal(given: Mapping[str, Any], name: str) -> Decimal | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        raise CaseFault(f"{name} must be a number")
    return Decimal(value)


def moment(given: dict[str, Any], ids: list[str]) -> Moment:
    keys(given, MOMENT_KEYS, "expect")
    at = duration(given, "at")
    expected = {name: value for name, value in given.items() if name != "at"}
    if not expected:
        raise CaseFault(f"expect at {given['at']} says nothing")
    try:
        return Moment(at, given["at"], {name: wanted(name, value, ids) for name, value in expected.items()})
    except CaseFault as fault:
        raise CaseFault(f"expect at {given['at']}: {fault}") from None


def wanted(name: str, value: Any, ids: list[str]) -> Any:
    if name in {"events", "deliveries"}:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise CaseFault(f"{name} must be a count")
        return value
    if name == "firing":
        if not isinstance(value, list) or any(one not in ids for one in value):
            raise CaseFault(f"firing must be a list of {', '.join(ids)}")
        return sorted(value)
    states = value if isinstance(value, dict) else dict.fromkeys(ids, value)
    if any(one not in ids for one in states) or any(one not in STATES for one in states.values()):
        raise CaseFault(f"state must be {', '.join(STATES)}, or a table of them by rule")
    return states
