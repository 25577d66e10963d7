"""The faults of the installation as entries: what, since when, what it harms. Details are for operators alone."""

from collections.abc import Iterator, Mapping

from django.urls import reverse
from django.utils.translation import gettext as _

from charon.feeds.atom import MOST_ENTRIES, Entry
from charon.pages import problem_words
from markets import formats, problems
from markets.models import Problem


def entries(names: Mapping[str, str]) -> Iterator[Entry]:
    """At most 50, the newest first, those that are gone among them; one query. `names` are those of the sources."""
    found = Problem.objects.filter(kind__in=problems.KINDS).order_by("-opened_at", "-pk")[:MOST_ENTRIES]
    return (entry(problem, dict(names)) for problem in found)


def entry(problem: Problem, names: dict[str, str]) -> Entry:
    row = problem_words.row(problem.kind, [problem], names)
    gone = problem.closed_at
    about = f": {row['about']}" if row["about"] else ""
    began = _("Od %s.") % formats.moment(problem.opened_at)
    ended = _("Ustąpił %s.") % formats.moment(gone) if gone else ""
    return Entry(
        name=f"problem/{problem.pk}",
        title=f"{_('Ustąpiło') if gone else _('Problem')}: {row['title']}{about}",
        text=" ".join(filter(None, [str(row["harm"]), began, ended])),
        path=reverse("status"),
        updated=gone or problem.opened_at,
        published=problem.opened_at,
    )
