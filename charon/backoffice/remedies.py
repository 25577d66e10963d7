"""The open problems for whoever mends them: what, since when, who is hurt, how to mend it, and the button for it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from markets import formats, problems
from markets.admin_confirm import address
from markets.models import Problem, Source
from markets.views import Row
from miner.job_names import label

# Actions of the list of sources that mend a problem of one source, the most likely first.
ACTIONS = {
    "source_failed": ("test_connection", "mine_now"),
    "source_stale": ("mine_now", "test_connection"),
    "fill_given_up": ("fill_range",),
}
# More are read in the list: a front page of 300 gaps helps nobody.
SHOWN = 12


Allowed = Callable[[str], bool]


def rows(sources: dict[str, Source], now: datetime, may: Allowed) -> Row:
    """The newest problems that this release knows, and how many more there are. One query, two where there are many."""
    known = problems.current().filter(kind__in=problems.KINDS)
    found = list(known[: SHOWN + 1])
    more = known.count() - SHOWN if len(found) > SHOWN else 0
    return {"rows": [row(one, sources, now, may) for one in found[:SHOWN]], "more": more}


def row(problem: Problem, sources: dict[str, Source], now: datetime, may: Allowed) -> Row:
    kind, code = problems.KINDS[problem.kind], problem.subject.partition(".")[0]
    return {
        "title": kind.title,
        "about": about(problem.subject, sources),
        "light": "bad" if kind.strict else "warn",
        "word": _("pilne") if kind.strict else _("do sprawdzenia"),
        "since": f"{formats.moment(problem.opened_at)} ({formats.relative(problem.opened_at, now)})",
        "times": problem.times,
        "harm": kind.harm,
        "hurt": _("czytelników stron") if kind.reader else _("tylko operatorów"),
        "detail": problem.detail_shown,
        "remedy": kind.remedy,
        "buttons": [*source_buttons(problem.kind, sources.get(code), may), *list_buttons(problem, kind, may)],
    }


def about(subject: str, sources: dict[str, Source]) -> str:
    """`nbp.A` as people say it; whatever is no source as it stands."""
    code, dot, _series = subject.partition(".")
    if code not in sources:
        return subject
    return label(subject, {known: source.name for known, source in sources.items()}) if dot else _(sources[code].name)


def source_buttons(kind: str, source: Source | None, may: Allowed) -> list[Row]:
    """None for whom they would lead to a refusal."""
    if source is None or not may("markets.change_source"):
        return []
    words: dict[str, str] = {
        "mine_now": _("Pobierz teraz"),
        "test_connection": _("Sprawdź połączenie"),
        "fill_range": _("Uzupełnij zakres dni"),
    }
    back = reverse("admin:index")
    return [{"href": address(source, name, back), "words": words[name]} for name in ACTIONS.get(kind, ())]


def list_buttons(problem: Problem, kind: problems.Kind, may: Allowed) -> list[Row]:
    """The list where it is mended, narrowed to what it is about."""
    try:
        href = reverse(f"admin:{kind.admin}_changelist") if kind.admin else ""
    except NoReverseMatch:
        href = ""
    app, _underscore, model = kind.admin.rpartition("_")
    if not href or not may(f"{app}.view_{model}"):
        return []
    failed = urlencode({"q": problem.subject, "status__exact": "failed"})
    query: dict[str, Any] = {"markets_job": f"?{failed}"}
    return [{"href": href + query.get(kind.admin, ""), "words": _("Przejdź do listy")}]
