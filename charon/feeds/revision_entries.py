"""Figures that their source changed later, as entries: what it was, what it is, in which tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from charon.feeds.atom import MOST_ENTRIES, Entry
from charon.pages import rows
from charon.pages.instrument_figures import table_words
from markets import formats
from markets.decimals import published
from markets.licence import Audience, shown_to
from markets.models import Revision
from signals.models import OFFICIAL_KINDS

COLUMNS = (
    *("pk", "rate__instrument__code", "rate__instrument__kind", "rate__instrument__quote", "rate__table"),
    *("rate__effective_date", "old_mid", "old_bid", "old_ask", "old_scale", "new_mid", "new_bid", "new_ask"),
    *("new_scale", "old_number", "new_number", "old_source__name", "new_source__name", "seen_at"),
)


def entries() -> Iterator[Entry]:
    """At most 50, the newest first, of figures whose sources may all be shown; one query."""
    shown = [shown_to(Audience.API, name) for name in ("rate__source", "old_source", "new_source")]
    found = Revision.objects.filter(*shown, notation=False).order_by("-seen_at", "-pk")
    return map(entry, found.values(*COLUMNS)[:MOST_ENTRIES])


def entry(row: Mapping[str, Any]) -> Entry:
    code, day = row["rate__instrument__code"], row["rate__effective_date"]
    table = row["rate__table"]
    facts = {"code": code, "table": table_words(table), "day": formats.day(day)}
    was = " ".join(filter(None, [row["old_source__name"], row["old_number"]]))
    now = " ".join(filter(None, [row["new_source__name"], row["new_number"]]))
    return Entry(
        name=f"revision/{row['pk']}",
        title=_("%(code)s z %(day)s (%(table)s): korekta") % facts,
        text=f"{'; '.join(changes(row))}. {_('Było: %(was)s. Jest: %(now)s.') % {'was': was, 'now': now}}",
        path=path_of(code, row["rate__instrument__kind"], day.isoformat(), table),
        updated=row["seen_at"],
        published=row["seen_at"],
    )


def changes(row: Mapping[str, Any]) -> Iterator[str]:
    """`kurs średni 3,8647 → 3,8650 zł`, for each of the three figures that is another one."""
    names = {"mid": _("kurs średni"), "bid": _("kupno"), "ask": _("sprzedaż")}
    for name, label in names.items():
        old = published(row[f"old_{name}"], row["old_scale"])
        new = published(row[f"new_{name}"], row["new_scale"])
        if old != new:
            before = "–" if old is None else formats.number(old)
            after = "–" if new is None else formats.money(new, row["rate__instrument__quote"])
            yield f"{label} {before} → {after}"


def path_of(code: str, kind: str, day: str, table: str) -> str:
    if kind in OFFICIAL_KINDS:
        return rows.page_of(code)
    return f"/api/v1/rates?code={code}&table={table}&from={day}&to={day}"
