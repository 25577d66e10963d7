"""The formats of numbers, days, durations and plurals: `locale` is `pl` or `en`, the language in effect by default.

Names of days and months and the forms of plurals are CLDR's, by Babel; static/format.js writes the same in scripts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from babel import Locale as Cldr
from django.utils import translation
from django.utils.translation import gettext_noop

from markets.clock import WARSAW

NBSP = "\u00a0"
MINUS = "\u2212"
DASH = "–"
HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Locale:
    """How a language writes numbers and days; `ungrouped` integer digits stand without separators."""

    code: str
    point: str
    separator: str
    ungrouped: int
    months: tuple[str, ...]
    genitives: tuple[str, ...]
    names: tuple[str, ...]
    weekdays: tuple[str, ...]
    plural: Callable[[int], str]


@cache
def locale_of(code: str | None) -> Locale:
    """The locale of a language code; any that is not English is Polish. CLDR pl groups from five digits on."""
    name = "en" if (code or "").startswith("en") else "pl"
    cldr = Cldr(name)
    months, days = cldr.months, cldr.days
    return Locale(
        code=name,
        point="." if name == "en" else ",",
        separator="," if name == "en" else NBSP,
        ungrouped=3 if name == "en" else 4,
        months=tuple(months["format"]["abbreviated"][number] for number in range(1, 13)),
        genitives=tuple(months["format"]["wide"][number] for number in range(1, 13)),
        names=tuple(months["stand-alone"]["wide"][number] for number in range(1, 13)),
        weekdays=tuple(days["format"]["abbreviated"][number] for number in range(7)),
        plural=cldr.plural_form,
    )


def chosen(locale: str | None) -> Locale:
    return locale_of(locale or translation.get_language())


def text(message: str, locale: str | None) -> str:
    if locale is None:
        return translation.gettext(message)
    with translation.override(locale):
        return translation.gettext(message)


def english() -> bool:
    return chosen(None).code == "en"


def weekday(day: date, locale: str | None = None) -> str:
    """`pon.`, in English `Mon`."""
    return chosen(locale).weekdays[day.weekday()]


def number(value: Decimal, locale: str | None = None) -> str:
    """All digits: `5348,26` and `25 772,10` (CLDR pl groups from five digits on), in English `5,348.26`."""
    style = chosen(locale)
    whole, _point, decimals = f"{abs(value):f}".partition(".")
    if len(whole) > style.ungrouped:
        whole = f"{int(whole):,}".replace(",", style.separator)
    sign = MINUS if value < 0 else ""
    return f"{sign}{whole}{style.point}{decimals}" if decimals else f"{sign}{whole}"


def signed(value: Decimal, locale: str | None = None) -> str:
    """With an explicit plus; zero, also one made by rounding, has no sign."""
    return f"+{number(value, locale)}" if value > 0 else number(value, locale)


def percent(value: Decimal, locale: str | None = None) -> str:
    """`+0,42%`: two decimals, no space (CLDR pl)."""
    return f"{signed(value.quantize(HUNDREDTH, ROUND_HALF_UP), locale)}%"


def money(value: Decimal, currency: str = "PLN", locale: str | None = None) -> str:
    """`4,2497 zł`, `63 412 USD`; in English `4.2497 PLN`: the currency follows, after a no-break space."""
    unit = "zł" if currency == "PLN" and chosen(locale).code == "pl" else currency
    return f"{number(value, locale)}{NBSP}{unit}"


def day(value: date, locale: str | None = None) -> str:
    """`26.10.2026`, in English `26 Oct 2026`: neither side of the ocean can mistake it."""
    style = chosen(locale)
    # Not %Y: the year 1 is four digits on some systems only.
    shown = f"{value.day:02}.{value.month:02}.{value.year:04}"
    return shown if style.code == "pl" else f"{value.day} {style.months[value.month - 1]} {value.year}"


def long_day(value: date, locale: str | None = None) -> str:
    """`20 listopada 2026`, in English `20 November 2026`."""
    return f"{value.day} {chosen(locale).genitives[value.month - 1]} {value.year}"


def month(value: date, locale: str | None = None) -> str:
    """`listopad 2026`, in English `November 2026`."""
    return f"{chosen(locale).names[value.month - 1]} {value.year}"


def short_day(value: date, now: datetime, locale: str | None = None) -> str:
    """`pon. 23.11`, in English `Mon 23 Nov`, with the year only when it is another one."""
    style, other = chosen(locale), value.year != now.astimezone(WARSAW).year
    if style.code == "pl":
        return f"{weekday(value, locale)} {value:%d.%m}{f'.{value.year}' if other else ''}"
    return f"{weekday(value, locale)} {value.day} {style.months[value.month - 1]}{f' {value.year}' if other else ''}"


def moment(value: datetime, locale: str | None = None) -> str:
    """`20.11.2026, 11:52` in Polish time."""
    local = value.astimezone(WARSAW)
    return f"{day(local.date(), locale)}, {local:%H:%M}"


def near(value: datetime, now: datetime, locale: str | None = None) -> str:
    """`11:52` on the same day, else `pon. 23.11, 11:52`."""
    local = value.astimezone(WARSAW)
    if local.date() == now.astimezone(WARSAW).date():
        return f"{local:%H:%M}"
    return f"{short_day(local.date(), now, locale)}, {local:%H:%M}"


def at(value: datetime, now: datetime, locale: str | None = None) -> str:
    """`o 13:00`, on another day `pon. 23.11 o 07:45`."""
    day_part, _comma, hour = near(value, now, locale).rpartition(", ")
    return f"{day_part} {text(gettext_noop('o %s'), locale) % hour}".lstrip()


def relative(value: datetime, now: datetime, locale: str | None = None) -> str:
    """`8 min temu`, `za 3 h`: beside the time, never instead of it, and only where nothing is kept (messages)."""
    distance = value - now
    if abs(distance) < timedelta(minutes=1):
        soon = gettext_noop("za chwilę") if distance > timedelta(0) else gettext_noop("przed chwilą")
        return text(soon, locale)
    form_of = gettext_noop("za %s") if distance > timedelta(0) else gettext_noop("%s temu")
    return text(form_of, locale) % rough(abs(distance), locale)


def rough(distance: timedelta, locale: str | None = None) -> str:
    minutes = int(distance.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min"
    if minutes < 48 * 60:
        return f"{minutes // 60}{NBSP}h"
    return f"{minutes // (24 * 60)}{NBSP}{text(gettext_noop('dni'), locale)}"


def days_ago(day: date, today: date, locale: str | None = None) -> str:
    """`dziś`, `wczoraj`, `26 dni temu`, `5 mies. temu`, `14 lat temu`: beside the day, never instead of it."""
    days = (today - day).days
    if days < 2:
        return text(gettext_noop("dziś") if days < 1 else gettext_noop("wczoraj"), locale)
    if days < 60:
        return text(gettext_noop("%s dni temu"), locale) % days
    if days < 730:
        return text(gettext_noop("%s mies. temu"), locale) % (days // 30)
    years = plural(days // 365, text(gettext_noop("rok,lata,lat"), locale), locale)
    return text(gettext_noop("%s temu"), locale) % years


def duration(seconds: float, locale: str | None = None) -> str:
    """`0,4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 10:
        tenths = Decimal(repr(seconds)).quantize(Decimal("0.1"), ROUND_HALF_UP)
        return f"{number(tenths, locale)}{NBSP}s"
    whole = int(seconds)
    hours, minutes, remainder = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours}{NBSP}h {minutes}{NBSP}min"
    return f"{minutes}{NBSP}min {remainder}{NBSP}s" if minutes else f"{remainder}{NBSP}s"


def whole(count: int, locale: str | None = None) -> str:
    return number(Decimal(count), locale)


def form(count: int, one: str, few: str, many: str, locale: str | None = None) -> str:
    """The form that CLDR chooses: 1 wiersz, 2-4 wiersze, 5 and more wierszy; 12-14 are many, 22-24 few again."""
    return {"one": one, "few": few}.get(chosen(locale).plural(count), many)


def plural(count: int, forms: str, locale: str | None = None) -> str:
    """`{{ n|plural:_("wiersz,wiersze,wierszy") }}` gives `5 wierszy`; English has two forms."""
    one, few, *others = forms.split(",")
    many = others[0] if others else few
    return f"{whole(count, locale)}{NBSP}{form(count, one, few, many, locale)}"
