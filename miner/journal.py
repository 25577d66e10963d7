"""The journal of jobs on the page of the miner: its filter, its pages and its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page
from django.urls import reverse
from django.utils.translation import gettext as _

from markets import formats, messages
from markets.admin_base import BoundedPaginator
from markets.models import Job
from markets.views import Row
from miner import queries
from miner.job_names import label

JOBS_A_PAGE = 50
SOURCE, STATE, PAGE = "zrodlo", "stan", "strona"
ICONS = {"running": "↻", "success": "✓", "skipped": "–", "failed": "✕"}
LIGHTS = {"running": "busy", "success": "good", "skipped": "muted", "failed": "bad"}
STATUSES = {str(value): words for value, words in Job.Status.choices}
TRIGGERS = {str(value): words for value, words in Job.Trigger.choices}
REASONS = {str(value): words for value, words in Job.Reason.choices}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter of the journal as the address has it; what is no source or state is not filtered by."""

    source: str = ""
    state: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str], names: Mapping[str, str]) -> "Wanted":
        source, state = query.get(SOURCE, ""), query.get(STATE, "")
        return cls(source if source in names else "", state if state in STATUSES else "")

    def address(self, number: int = 1) -> str:
        """What is empty, and a first page, is left out."""
        page = str(number) if number > 1 else ""
        return queries.address(reverse("jobs"), {SOURCE: self.source, STATE: self.state, PAGE: page})


def page_of(wanted: Wanted, number: str) -> Page[dict[str, Any]]:
    """The page of that number; the first for what is no page number, the last for one behind the end."""
    paginator = BoundedPaginator(queries.journal(wanted.source, wanted.state), JOBS_A_PAGE)
    digits = number.isascii() and number.isdigit() and len(number) < 10
    return paginator.page(min(max(int(number) if digits else 1, 1), paginator.num_pages))


def pager(wanted: Wanted, read: Page[dict[str, Any]]) -> Row:
    paginator, number = read.paginator, read.number
    return {
        "number": formats.whole(number),
        "total": formats.whole(paginator.num_pages),
        "several": paginator.num_pages > 1,
        "is_cut": isinstance(paginator, BoundedPaginator) and paginator.is_cut and not read.has_next(),
        "newer": wanted.address(number - 1) if read.has_previous() else "",
        "older": wanted.address(number + 1) if read.has_next() else "",
    }


def selects(wanted: Wanted, names: Mapping[str, str]) -> list[Row]:
    states = {state: str(words) for state, words in STATUSES.items()}
    return [
        {
            "name": SOURCE,
            "label": _("Źródło"),
            "options": options({code: _(name) for code, name in names.items()}, wanted.source),
        },
        {"name": STATE, "label": _("Stan"), "options": options(states, wanted.state)},
    ]


def options(known: Mapping[str, str], chosen: str) -> list[tuple[str, str, bool]]:
    return [(value, text, value == chosen) for value, text in known.items()]


def job_row(job: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    """How long a run that goes on has taken is said by its begin alone: the page does not change by the second."""
    status, reason = str(STATUSES[job["status"]]), REASONS.get(job["reason"], job["reason"])
    ended = job["finished_at"]
    return {
        "id": job["id"],
        "label": label(job["job_type"], names),
        "icon": ICONS[job["status"]],
        "light": LIGHTS[job["status"]],
        "status": f"{status}: {reason}" if reason else status,
        "times": f"×{job['repeats'] + 1}" if job["repeats"] else "",
        "trigger": TRIGGERS.get(job["trigger"], job["trigger"]),
        "started_at": job["started_at"],
        "duration": formats.duration((ended - job["started_at"]).total_seconds()) if ended else formats.DASH,
        "error": messages.shown(job["error"], job["error_message"]),
        "notes": messages.shown_all(job["notes"], job["note_messages"]),
        "reached": formats.day(job["reached"]) if job["reached"] else "",
    } | counts(job)


def counts(job: Mapping[str, Any]) -> Row:
    columns = {"rows": "rows_written", "revised": "revised", "refused": "refused", "requests": "requests"}
    found: Row = {name: formats.whole(job[column]) for name, column in columns.items()}
    return found | {
        "retries": formats.whole(job["retries"]),
        "windows": job["windows"],
        "done": job["windows_done"],
        "total_words": formats.plural(job["windows"], _("zakresu dat,zakresów dat,zakresów dat")),
    }
