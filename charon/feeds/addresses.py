"""The addresses of this package, each with what it answers: the routes and `llms.txt` are made of one list."""

from collections.abc import Callable
from typing import NamedTuple

from django.http.response import HttpResponseBase

from charon.feeds import calendar_views, embed, feed_views, pictures


class Address(NamedTuple):
    """`route` as Django reads it; `about` is English, for programs."""

    route: str
    view: Callable[..., HttpResponseBase]
    about: str

    @property
    def name(self) -> str:
        """`feeds/signals.atom`; of one with an instrument `badge`, `feeds/signals/one`."""
        return self.route.replace("/<str:code>.svg", "").replace("<str:code>.atom", "one").replace("/<str:code>", "")


ADDRESSES = (
    Address("feeds/signals.atom", feed_views.signals, "Atom: the newest BUY and SELL of all rules, with reasons."),
    Address("feeds/signals/<str:code>.atom", feed_views.signals_of, "Atom: those of one instrument."),
    Address("feeds/alerts.atom", feed_views.fired, "Atom: price and signal alerts, and when they ended."),
    Address("feeds/revisions.atom", feed_views.revisions, "Atom: published figures that their source changed later."),
    Address("feeds/problems.atom", feed_views.problems, "Atom: faults of this installation, open and gone."),
    Address("feeds/publications.ics", calendar_views.publications, "iCalendar: when each table is expected, 90 days."),
    Address("feeds/holidays-pl.ics", calendar_views.polish_holidays, "iCalendar: public holidays of Poland."),
    Address("feeds/holidays-target.ics", calendar_views.target_holidays, "iCalendar: closing days of TARGET (ECB)."),
    Address("badge/<str:code>.svg", pictures.badge, "SVG: the newest figure with its day; theme=auto|light|dark."),
    Address("spark/<str:code>.svg", pictures.spark, "SVG: a line of the last days; days=2..3660, theme."),
    Address("embed/<str:code>", embed.embed, "HTML for an iframe; days, theme, lang=pl|en."),
)  # fmt: skip
