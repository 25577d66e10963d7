"""What stands in words in several places of these pages: timeframes, badges, ratings, and why there is no figure."""

from datetime import date, datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from charon.pages.badge import ICONS, RANKS, plain, word
from markets import clock, formats, timeframes
from markets.views import Row
from signals.digits import rounded
from signals.models import DAILY, AnalysisSnapshot
from signals.rating import PLACES, Label
from signals.stands import Stand

TIMEFRAMES = {
    "5m": gettext_lazy("5\u00a0min"),
    "1h": gettext_lazy("1\u00a0h"),
    "4h": gettext_lazy("4\u00a0h"),
    "1d": gettext_lazy("1\u00a0dzień"),
}
# The label of a rating, the signal whose look it has, and its shape.
RATINGS = {
    Label.STRONG_BUY: (gettext_lazy("mocno za kupnem"), "buy", "▲▲"),
    Label.BUY: (gettext_lazy("za kupnem"), "buy", "▲"),
    Label.NEUTRAL: (gettext_lazy("neutralnie"), "hold", "■"),
    Label.SELL: (gettext_lazy("za sprzedażą"), "sell", "▼"),
    Label.STRONG_SELL: (gettext_lazy("mocno za sprzedażą"), "sell", "▼▼"),
}
# A candle is decided on soon after it closed: two lengths after it began, and one more for a source that is late.
LATE_BARS = 3


def page_of(code: str) -> str:
    """The coin's own page."""
    return reverse("coin", args=[code])


def timeframe(name: str) -> str:
    return str(TIMEFRAMES.get(name, name))


def chip(stand: Stand) -> Row:
    """The badge of a series under a rule; words where it has none."""
    missing = why_not(stand)
    if missing:
        return plain(missing)
    signal = stand.stats.get("signal")
    if not signal:
        return plain(_("jeszcze nie wyliczono"))
    return {
        "kind": signal.lower(),
        "icon": ICONS[signal],
        "text": word(signal),
        "since": since(stand),
        "old": old(stand),
        "day": "",
        "rank": RANKS[signal],
    }


def why_not(stand: Stand | None) -> str:
    """Why a rule has no figures for this series; empty where it has."""
    if stand is None:
        return _("jeszcze nie wyliczono")
    if stand.status == AnalysisSnapshot.Status.WARMING_UP:
        bars, needed = stand.bars
        text = _("Za mało danych: %(bars)s z %(all)s świec") if needed else _("za mało danych")
        return text % {"bars": bars, "all": needed} if needed else text
    if stand.status == AnalysisSnapshot.Status.NOT_APPLICABLE:
        return _("nie dotyczy")
    return "" if stand.is_warm else _("błąd reguły")


def since(stand: Stand) -> str:
    """From when on it stands, or after which turn."""
    turned_on, turned = stand.stats.get("turned_on"), stand.stats.get("turned")
    if not turned_on or not turned:
        return ""
    when = moment_words(turned_on, stand.timeframe)
    if stand.stats.get("signal") == turned and stand.stats.get("as_of") == turned_on:
        return _("od %s") % when
    return _("po sygnale %(signal)s z\u00a0%(day)s") % {"signal": word(turned), "day": when}


def moment_words(text: str, timeframe: str) -> str:
    if timeframe == DAILY:
        return formats.day(date.fromisoformat(text[:10]))
    return formats.moment(datetime.fromisoformat(text))


def bar_of(stand: Stand) -> datetime | None:
    """When its newest bar began."""
    text = stand.stats.get("as_of")
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=clock.WARSAW)


def current_until(stand: Stand) -> datetime | None:
    """When its newest bar is old, unless another one comes."""
    began = bar_of(stand)
    return None if began is None else began + LATE_BARS * timedelta(seconds=timeframes.SECONDS[stand.timeframe])


def old(stand: Stand) -> str:
    until = current_until(stand)
    return _("na starych danych") if until is not None and until <= clock.now() else ""


def rating(stand: Stand | None) -> Row | None:
    """Label and value of a rating; None where there is none."""
    if stand is None or not stand.is_warm or stand.stats.get("rating") is None:
        return None
    text, kind, icon = RATINGS[Label(stand.stats["label"])]
    value = formats.signed(rounded(stand.stats["rating"], PLACES))
    return {"kind": kind, "icon": icon, "text": str(text), "value": value, "old": old(stand)}
