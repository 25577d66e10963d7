"""The baseline of bench/dashboard.py: three queries per row and a template filter per value.

A page that nobody should write: it shows when ours falls back to that, and nothing of how fast ours is.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine, Library
from django.utils.functional import cached_property

from charon.settings import BASE_DIR
from markets import clock, formats
from markets.decimals import published
from markets.models import Instrument, Publication, Quote, Rate
from signals.models import AnalysisSnapshot, Signal

register = Library()
RETIRED = timedelta(days=21)

register.filter("figure", lambda value: "" if value is None else formats.number(value))
register.filter("signed", lambda value: "" if value is None else formats.signed(value))
register.filter("percent", lambda value: "" if value is None else formats.percent(value))
register.filter("day", formats.day)
register.filter("word", lambda value: Signal.Label(value).label if value else "–")


class Line:
    """One instrument; each attribute that the template reads queries the database."""

    def __init__(self, instrument: Instrument, newest_day: date) -> None:
        self.instrument, self.newest_day = instrument, newest_day

    def mids(self, count: int) -> list[Rate]:
        return list(Rate.objects.filter(instrument=self.instrument, mid__isnull=False).latest_first()[:count])

    @cached_property
    def newest_two(self) -> list[Rate]:
        return self.mids(2)

    @property
    def newest(self) -> Rate:
        return self.newest_two[0]

    @property
    def value(self) -> Decimal | None:
        return self.newest.published("mid")

    @property
    def change(self) -> Decimal | None:
        values = [rate.published("mid") for rate in self.newest_two]
        return values[0] - values[1] if len(values) > 1 and values[0] and values[1] else None

    @property
    def change_percent(self) -> Decimal | None:
        value, change = self.value, self.change
        return None if value is None or change is None else change / (value - change) * 100

    @cached_property
    def state(self) -> dict[str, Any]:
        row = AnalysisSnapshot.objects.filter(instrument=self.instrument, window="365d").first()
        return row.stats if row else {}

    @property
    def low(self) -> Decimal | None:
        return self.of_year("min")

    @property
    def high(self) -> Decimal | None:
        return self.of_year("max")

    def of_year(self, name: str) -> Decimal | None:
        value = self.state.get(name)
        return None if value is None else published(Decimal(repr(value)), self.newest.scale)

    @property
    def month(self) -> list[Decimal | None]:
        return [rate.published("mid") for rate in self.mids(21)]

    @property
    def retired(self) -> bool:
        return self.newest.effective_date < self.newest_day - RETIRED


def obvious(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    day = Quote.objects.aggregate(day=Max("effective_date"))["day"]
    quoted = Instrument.objects.filter(quotes__effective_date__isnull=False).distinct()
    lines = [Line(instrument, day) for instrument in quoted.order_by("code")]
    engine = Engine(dirs=[BASE_DIR / "bench"], libraries={"obvious": "bench._obvious"}, builtins=["bench._obvious"])
    context = {
        "tiles": [line for line in lines if line.instrument.code in {"EUR", "USD", "CHF", "GBP", "XAU"}],
        "lines": lines,
        "recent": Signal.objects.exclude(signal="HOLD").order_by("-as_of")[:5],
        "newest": Publication.objects.filter(table="A").first(),
        "now": clock.now(),
    }
    return HttpResponse(engine.get_template("_obvious.html").render(Context(context)))
