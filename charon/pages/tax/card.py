"""The answer as a card: the rate as the NBP prints it, the table, the amount, the days between, and what proves it."""

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from charon.pages.tax import choices, skipped, warned
from markets import formats
from markets.decimals import scale_of
from markets.instruments.names import currency_name
from markets.queries import proofs
from markets.queries.tax import registry
from markets.views import Row

Answer = dict[str, Any]
# Of a quotient the first decimals are shown, as many as the NBP has of a small unit; its amounts come from all.
SHOWN = Decimal("0.000001")
TABLES = ("A", "B")
NBP = ("nbp", "nbp_archive")


def card(answer: Answer) -> Row:
    """One statement, for the moment of the publication."""
    asked, rule = answer["input"], registry.RULES[answer["rule"]["id"]]
    legs = [leg_row(leg) for leg in answer["legs"]]
    is_difference = any(leg.get("role") for leg in answer["legs"])
    return {
        "code": asked["code"],
        "name": currency_name(asked["code"], "en" if formats.english() else "pl"),
        "headline": difference(answer) if is_difference else worth(asked["code"], answer),
        "one": "" if is_difference else per_one(asked["code"], answer),
        "rate": formats.number(Decimal(answer["rate"])),
        "table": table_row(answer),
        "legs": legs,
        "is_difference": is_difference,
        "amount": "" if is_difference else amount(answer),
        "skipped": skipped.rows(answer["skipped"]),
        "state": state(answer),
        "warnings": warned.rows(answer["warnings"]),
        "rule": choices.explained(rule),
        "citation": answer["citation"],
        "proofs": list(proof_rows(answer)),
        "rounded": answer["rounding"] != "half_up_0.01",
    }


def state(answer: Answer) -> Row:
    """A table of the archive is final as a figure; its number is not known here yet."""
    why = answer["why_not_final"]
    if why is None:
        return {"light": "good", "words": _("ostateczny")}
    return {"light": "busy" if why in warned.STATES else "warn", "words": _(warned.NOT_FINAL[why])}


def worth(code: str, answer: Answer) -> str:
    """`1 USD = 3,8647 zł`, `100 HUF = 1,1972 zł`; of a computed rate `1 USD ≈ 3,596567 zł`."""
    rate = Decimal(answer["rate"])
    if answer["derived"]:
        return f"1{formats.NBSP}{code} ≈ {formats.money(rate.quantize(SHOWN, ROUND_HALF_UP))}"
    if answer["source"] in NBP:
        count, rate = as_printed(rate)
        return f"{formats.whole(count)}{formats.NBSP}{code} = {formats.money(rate)}"
    return f"1{formats.NBSP}{code} = {formats.money(rate)}"


def shown_rate(answer: Answer) -> Decimal:
    """Of one unit; a computed one with the decimals that are shown."""
    rate = Decimal(answer["rate"])
    return rate.quantize(SHOWN, ROUND_HALF_UP) if answer["derived"] else rate


def per_one(code: str, answer: Answer) -> str:
    """Beside a rate per 100 that of one unit, which amounts are multiplied with; beside a computed one all of it."""
    rate = Decimal(answer["rate"])
    if answer["derived"] or (answer["source"] in NBP and as_printed(rate)[0] > 1):
        return f"1{formats.NBSP}{code} = {formats.money(rate)}"
    return ""


def as_printed(rate: Decimal) -> tuple[int, Decimal]:
    """How many units the NBP prints the rate of: the published decimals decide (markets.queries.overview.per_many)."""
    decimals = scale_of(rate)
    if decimals <= 4:
        return 1, rate
    shift = 2 if decimals <= 6 else 4
    return 10**shift, rate.scaleb(shift).quantize(Decimal(1).scaleb(-max(4, decimals - shift)))


def amount(answer: Answer) -> str:
    """`1500 USD = 5377,20 zł`; of OSS `1000 zł = 232,89 EUR`."""
    given, into = answer["input"].get("amount"), answer["amount_into"]
    if given is None or into is None:
        return ""
    code, result = answer["input"]["code"], formats.money(Decimal(into), answer["into"])
    if answer["into"] != "PLN" and code == answer["into"]:
        code = "PLN"
    return f"{formats.money(Decimal(given), code)} = {result}"


def difference(answer: Answer) -> str:
    """Of exchange differences the difference itself, or that an amount is needed for it."""
    if answer["amount_pln"] is None:
        return _("Różnica kursowa: podaj kwotę")
    found = Decimal(answer["amount_pln"])
    return _("Różnica kursowa: %s") % f"{formats.signed(found)}{formats.NBSP}{'PLN' if formats.english() else 'zł'}"


def table_row(place: Answer) -> Row:
    """`tabela 051/A/NBP/2025 z 14.03.2025` with the address of all figures of that table, where it has a page."""
    day = place["effective_date"]
    shown = formats.day(date.fromisoformat(day)) if day else ""
    table, href = place["table"], ""
    if place["source"] == "given":
        words = _("kurs podany z dnia %s") % shown if shown else _("kurs podany")
    elif table not in TABLES:
        words = _("kurs referencyjny EBC z %s") % shown
    else:
        words = _("tabela %(name)s z %(day)s") % {"name": place["table_no"] or table, "day": shown}
        href = reverse("table_day", args=[table, day])
    return {"words": words, "href": href, "day": day}


def leg_row(leg: Answer) -> Row:
    pln = leg.get("amount_pln")
    quote = "zł" if leg["quote"] == "PLN" and not formats.english() else leg["quote"]
    roles = {"earlier": _("faktura"), "later": _("zapłata")}
    return {
        "role": roles.get(leg.get("role") or "", ""),
        "worth": f"1{formats.NBSP}{leg['code']} = {formats.number(Decimal(leg['rate']))}{formats.NBSP}{quote}",
        "table": table_row(leg),
        "amount": formats.money(Decimal(pln)) if pln else "",
    }


def proof_rows(answer: Answer) -> Iterator[Row]:
    """Each official publication once: its hash, who published it, when it was fetched, and its page in the API."""
    places = answer["legs"] or [answer]
    found = {one["proof"]["publication"]: one for one in places if one["proof"]}
    numbers = {href: int(href.rpartition("/")[2]) for href in found}
    facts = proofs.fetched(list(numbers.values()))
    for href, place in found.items():
        fact = facts.get(numbers[href])
        yield {
            "href": href,
            "sha256": place["proof"]["sha256"],
            "table": table_row(place)["words"],
            "source": fact.source if fact else place["source"],
            "fetched": fact.fetched_at if fact else None,
        }
