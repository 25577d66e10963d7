"""The newest BUY and SELL of all rules as entries, each with the sentence that says why."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _

from charon.feeds.atom import MOST_ENTRIES, Entry
from charon.pages.badge import word
from charon.pages.signals import TIMEFRAMES, price_words
from markets.licence import Audience
from markets.models import Instrument
from signals import crossings
from signals.crossings import Crossing
from signals.models import DAILY


def entries(instrument: Instrument | None = None) -> Iterator[Entry]:
    """At most 50, the newest bars first; three queries."""
    wanted = crossings.wanted(Audience.API, instrument=instrument)
    return map(entry, crossings.explained(wanted[:MOST_ENTRIES]))


def entry(one: Crossing) -> Entry:
    """A corrected decision is the same entry with a later `updated`."""
    row = one.row
    code, daily = row.instrument.code, row.timeframe == DAILY
    moment = f"{row.as_of:%Y-%m-%d}" if daily else f"{row.as_of:%Y-%m-%dT%H-%M}"
    facts = {"code": code, "signal": word(row.signal), "rule": one.label}
    past = _("wyliczone wstecz") if row.backtested else ""
    said = [str(TIMEFRAMES.get(row.timeframe, row.timeframe)), price_words(row, one.scale), past]
    return Entry(
        name=f"signal/{code}/{row.rule}/{row.timeframe}/{moment}",
        title=_("%(code)s: %(signal)s (%(rule)s)") % facts,
        text=f"{one.why} ({', '.join(filter(None, said))})",
        path=reverse("signal", args=[row.pk]),
        updated=row.generated_at,
        published=row.as_of,
    )
