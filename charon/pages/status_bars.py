"""The 90 days of a source as bars: how many of its runs went well each day, drawn, and said in one sentence."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_DOWN, Decimal

from django.utils.translation import gettext as _

from markets import formats
from markets.queries.calendars import DAY
from markets.queries.job_days import DAYS, DayRuns
from markets.views import Row

STEP, WIDTH, HEIGHT, LEAST, NOTHING = 4, 3, 28, 5, 2
TENTH = Decimal("0.1")


def bars(days: Mapping[date, DayRuns], today: date) -> Row:
    """Three paths of one drawing: days without a failure, days with some, and days of which nothing is known.

    A day with failures is lower the more there were: the colour is not all that tells.
    """
    shapes: dict[str, list[str]] = {"full": [], "part": [], "gone": []}
    for place in range(DAYS):
        kind, height = bar(days.get(today - DAY * (DAYS - 1 - place)))
        shapes[kind].append(f"M{place * STEP} {HEIGHT}v-{height}h{WIDTH}v{height}z")
    return {
        "width": DAYS * STEP - (STEP - WIDTH),
        "height": HEIGHT,
        "paths": [(kind, "".join(parts)) for kind, parts in shapes.items() if parts],
        "words": words(days),
        "from": today - DAY * (DAYS - 1),
    }


def bar(runs: DayRuns | None) -> tuple[str, int]:
    if runs is None:
        return "gone", NOTHING
    if runs.good == runs.runs:
        return "full", HEIGHT
    return "part", LEAST + (HEIGHT - 2 * LEAST) * runs.good // runs.runs


def words(days: Mapping[date, DayRuns]) -> str:
    """For everybody, and all that a screen reader has: the share, the worst day, and how many days have no record."""
    if not days:
        return _("brak zapisów z ostatnich 90 dni")
    runs, good = sum(one.runs for one in days.values()), sum(one.good for one in days.values())
    said = _("%(share)s udanych z %(runs)s") % {
        "share": percent(good, runs), "runs": formats.plural(runs, _("zadania,zadań,zadań"))
    }  # fmt: skip
    worst = min(days, key=lambda day: (days[day].good / days[day].runs, -day.toordinal()))
    parts = [said]
    if days[worst].good < days[worst].runs:
        found = {"day": formats.day(worst), "share": percent(days[worst].good, days[worst].runs)}
        parts.append(_("najsłabszy dzień %(day)s: %(share)s") % found)
    if unknown := DAYS - len(days):
        parts.append(_("brak zapisów: %s") % formats.plural(unknown, _("dzień,dni,dni")))
    return "; ".join(parts)


def percent(good: int, runs: int) -> str:
    """Rounded down: one failure of 10,000 is no 100%."""
    share = (Decimal(100 * good) / runs).quantize(TENTH, ROUND_DOWN)
    return f"{formats.number(share if good < runs else Decimal(100))}%"
