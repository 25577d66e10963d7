"""The table of currencies as its address asks for it: `?tabela=B&filtr=real&sort=-zmiana`.

All rows of a tab are in the page; those that the filter leaves out are `hidden`, so that a script shows them again
without asking.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from charon.pages import collation, table_rows
from charon.pages.badge import Badges
from charon.pages.table_rows import TableRow
from markets import formats
from markets.queries.overview import POPULAR, Board
from markets.views import Row

PINNED, ALL = "przypiete", "wszystkie"
# Pins are in the browser alone: that tab is for scripts.
TABS = {
    "A": gettext_noop("Tabela A"),
    "B": gettext_noop("Tabela B"),
    ALL: gettext_noop("Wszystkie"),
    PINNED: gettext_noop("Przypięte"),
}
# The heading of each column, its class, and the kind of its values; without a name it is not sorted by.
COLUMNS = (
    ("kod", gettext_noop("Kod"), "code", "text"),
    ("nazwa", gettext_noop("Nazwa"), "name", "text"),
    ("", gettext_noop("Jednostka"), "unit", ""),
    ("kurs", gettext_noop("Kurs"), "number", "number"),
    ("zmiana", gettext_noop("Zmiana"), "number change", "number"),
    ("zakres", gettext_noop("52 tygodnie"), "span", "number"),
    ("sygnal", gettext_noop("Sygnał"), "signal", "number"),
    ("dzien", gettext_noop("Tabela"), "day", "text"),
)
KINDS = {name: kind for name, _title, _class, kind in COLUMNS if name}
LONGEST_FILTER = 40


@dataclass(frozen=True, slots=True)
class View:
    """What the address chooses; `default` is the tab that it need not name."""

    tab: str
    default: str
    text: str = ""
    sort: str = ""
    descending: bool = False

    @property
    def query(self) -> str:
        chosen = {
            "tabela": "" if self.tab == self.default else self.tab,
            "filtr": self.text,
            "sort": f"{'-' if self.descending else ''}{self.sort}",
        }
        kept = {name: value for name, value in chosen.items() if value}
        return f"?{urlencode(kept)}" if kept else ""


def view_of(asked: Mapping[str, str], default: str) -> View:
    """A choice that there is not is the default: no address of this page is an error."""
    tab, sort = asked.get("tabela", ""), asked.get("sort", "")
    name = sort.removeprefix("-")
    known = name in KINDS
    return View(
        tab=tab if tab in TABS else default,
        default=default,
        text=asked.get("filtr", "").replace("\0", "").strip()[:LONGEST_FILTER],
        sort=name if known else "",
        descending=known and sort.startswith("-"),
    )


def context(board: Board, badges: Badges, view: View, path: str) -> Row:
    filling = badges.filling
    current = [
        (table_rows.table_row(line, badges.standings.get(line.code), old=old, filling=filling), old)
        for line in board.currencies
        if view.tab in {line.table, ALL, PINNED}
        for old in (badges.is_old(line),)
    ]
    shown = in_order([row for row, _old in current], view)
    retired = [table_rows.retired_row(line) for line in board.retired if view.tab == ALL]
    found = matching(shown, view.text)
    return {
        "view": view,
        "pinned": view.tab == PINNED,
        "table_path": path,
        "tabs": [tab_row(name, title, view, path) for name, title in TABS.items()],
        "columns": [column_row(*column, view, path) for column in COLUMNS],
        "first": " ".join(POPULAR),
        "count": len(found),
        "nothing": bool(shown) and not found and view.tab != PINNED,
        "clear": path + replace(view, text="").query,
        "wider": path + replace(view, tab=ALL).query if view.tab in {"A", "B"} else "",
        "currencies": written(shown, set() if view.tab == PINNED else found),
        "old_signals": any(old for _row, old in current),
        "retired": written(retired, matching(retired, view.text)),
        "retired_count": len(retired),
        "retired_open": bool(view.text and matching(retired, view.text)),
        "days": [
            day_words(table, day) for table, day in sorted(board.days.items()) if view.tab in {table, ALL, PINNED}
        ],
    }


def in_order(found: Sequence[TableRow], view: View) -> list[TableRow]:
    """As the board has them, or by a column; what has no value stays at the end, whichever way it runs."""
    if not view.sort:
        return list(found)
    known = [row for row in found if row.keys[view.sort] is not None]
    ordered = sorted(known, key=lambda row: row.keys[view.sort], reverse=view.descending)  # type: ignore[arg-type,return-value]
    return [*ordered, *(row for row in found if row.keys[view.sort] is None)]


def matching(found: Iterable[TableRow], text: str) -> set[str]:
    """Codes of the rows that have the text in code or name."""
    wanted = collation.plain(text)
    return {row.code for row in found if wanted in row.text}


def written(found: Iterable[TableRow], shown: set[str]) -> SafeString:
    """The rows as markup; `table_rows` has escaped every word of theirs."""
    lines = (f"<tr{row.html}" if row.code in shown else f"<tr hidden{row.html}" for row in found)
    return mark_safe("\n".join(lines))  # noqa: S308


def tab_row(name: str, title: str, view: View, path: str) -> Row:
    here = view.tab == name
    return {"name": name, "title": _(title), "href": path + replace(view, tab=name).query, "current": here}


def column_row(name: str, title: str, classes: str, kind: str, view: View, path: str) -> Row:
    """The link of a heading sorts as people expect it first (names from A, figures from the highest), then the other
    way, then not at all."""
    first = kind == "number"
    if view.sort != name:
        following = replace(view, sort=name, descending=first)
    elif view.descending == first:
        following = replace(view, descending=not first)
    else:
        following = replace(view, sort="", descending=False)
    way = "descending" if view.descending else "ascending"
    sort = way if name and view.sort == name else "none"
    return {
        "name": name,
        "title": _(title),
        "classes": classes,
        "kind": kind,
        "sort": sort,
        "href": path + following.query,
    }


def day_words(table: str, day: object) -> str:
    return _("Tabela %(table)s z %(day)s.") % {"table": table, "day": formats.day(day)}  # type: ignore[arg-type]
