"""The formats of numbers, days, durations and plurals in the language that is on, Polish or English."""

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from markets.clock import WARSAW

NBSP = "\u00a0"
MINUS = "\u2212"
DASH = "–"
# strftime would take the machine's language.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HUNDREDTH = Decimal("0.01")


def english() -> bool:
    return (get_language() or "").startswith("en")


def weekday(day: date) -> str:
    return (_("pon."), _("wt."), _("śr."), _("czw."), _("pt."), _("sob."), _("niedz."))[day.weekday()]


def number(value: Decimal) -> str:
    """All digits: `5348,26` and `25 772,10` (CLDR pl groups from five digits on), in English `5,348.26`."""
    whole, _point, decimals = f"{abs(value):f}".partition(".")
    point, grouped = (".", 3) if english() else (",", 4)
    if len(whole) > grouped:
        whole = f"{int(whole):,}".replace(",", "," if english() else NBSP)
    sign = MINUS if value < 0 else ""
    return f"{sign}{whole}{point}{decimals}" if decimals else f"{sign}{whole}"


def signed(value: Decimal) -> str:
    """With an explicit plus; zero, also one made by rounding, has no sign."""
    return f"+{number(value)}" if value > 0 else number(value)


def percent(value: Decimal) -> str:
    """`+0,42%`: two decimals, no space (CLDR pl)."""
    return f"{signed(value.quantize(HUNDREDTH, ROUND_HALF_UP))}%"


def day(value: date) -> str:
    """`26.10.2026`, in English `26 Oct 2026`: neither side of the ocean can mistake it."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}" if english() else f"{value:%d.%m.%Y}"


def short_day(value: date, now: datetime) -> str:
    """`pon. 23.11`, with the year only when it is another one."""
    year = "" if value.year == now.astimezone(WARSAW).year else f".{value:%Y}"
    return f"{weekday(value)} {value:%d.%m}{year}"


def moment(value: datetime) -> str:
    """`20.11.2026, 11:52` in Polish time."""
    local = value.astimezone(WARSAW)
    return f"{day(local.date())}, {local:%H:%M}"


def near(value: datetime, now: datetime) -> str:
    """`11:52` on the same day, else `pon. 23.11, 11:52`."""
    local = value.astimezone(WARSAW)
    if local.date() == now.astimezone(WARSAW).date():
        return f"{local:%H:%M}"
    return f"{short_day(local.date(), now)}, {local:%H:%M}"


def at(value: datetime, now: datetime) -> str:
    """`o 13:00`, on another day `pon. 23.11 o 07:45`."""
    day_part, _comma, hour = near(value, now).rpartition(", ")
    return f"{day_part} o {hour}".lstrip()


def relative(value: datetime, now: datetime) -> str:
    """`8 min temu`, `za 3 h`: shown beside the time, never instead of it."""
    distance = value - now
    amount = rough(abs(distance))
    if abs(distance) < timedelta(minutes=1):
        return _("za chwilę") if distance > timedelta(0) else _("przed chwilą")
    return _("za %s") % amount if distance > timedelta(0) else _("%s temu") % amount


def rough(distance: timedelta) -> str:
    minutes = int(distance.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min"
    if minutes < 48 * 60:
        return f"{minutes // 60}{NBSP}h"
    return f"{minutes // (24 * 60)}{NBSP}{_('dni')}"


def days_ago(day: date, today: date) -> str:
    """`dziś`, `wczoraj`, `26 dni temu`, `5 mies. temu`, `14 lat temu`: shown beside the day, never instead of it."""
    days = (today - day).days
    if days < 2:
        return _("dziś") if days < 1 else _("wczoraj")
    if days < 60:
        return _("%s dni temu") % days
    return _("%s mies. temu") % (days // 30) if days < 730 else _("%s temu") % plural(days // 365, _("rok,lata,lat"))


def duration(seconds: float) -> str:
    """`0,4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 10:
        tenths = Decimal(repr(seconds)).quantize(Decimal("0.1"), ROUND_HALF_UP)
        return f"{number(tenths)}{NBSP}s"
    whole = int(seconds)
    hours, minutes, remainder = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours}{NBSP}h {minutes}{NBSP}min"
    return f"{minutes}{NBSP}min {remainder}{NBSP}s" if minutes else f"{remainder}{NBSP}s"


def whole(count: int) -> str:
    return number(Decimal(count))


def form(count: int, one: str, few: str, many: str) -> str:
    """The plural form (CLDR pl): 1 wiersz, 2-4 wiersze, 5 and more wierszy; 12-14 are many, 22-24 few again."""
    if count == 1:
        return one
    if english():
        return many
    return few if count % 10 in {2, 3, 4} and count % 100 not in {12, 13, 14} else many


def plural(count: int, forms: str) -> str:
    """`{{ n|plural:_("wiersz,wiersze,wierszy") }}` gives `5 wierszy`."""
    one, few, *rest = forms.split(",")  # English has two forms
    many = rest[0] if rest else few
    return f"{whole(count)}{NBSP}{form(count, one, few, many)}"
