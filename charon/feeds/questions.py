"""The parameters of a feed, a picture and a frame: strict, since nobody sees that an address was not obeyed."""

from collections.abc import Collection
from typing import NamedTuple

from django.http import QueryDict
from django.utils.translation import gettext as _

from markets.errors import QuestionError

LANGUAGES = ("pl", "en")
THEMES = ("auto", "light", "dark")
# A line needs two days; ten years are four figures a pixel of the widest drawing.
FEWEST_DAYS, MOST_DAYS, USUAL_DAYS = 2, 3660, 90
# The longest alias there can be.
LONGEST_CODE = 32
SHOWN = 40


class Asked(NamedTuple):
    """What an address asks for beside its path."""

    lang: str
    theme: str
    days: int


class NotFoundError(QuestionError):
    status = 404
    code = "not_found"


def asked(given: QueryDict, names: Collection[str]) -> Asked:
    """The values of these parameters; raises QuestionError for a wrong, repeated or unknown one."""
    for name in given:
        if name not in names:
            raise QuestionError(_("Nieznany parametr: %s.") % printable(name))
        if len(given.getlist(name)) > 1:
            raise QuestionError(_("Parametr %s podano więcej niż raz.") % name)
    lang, look, length = (given.get(name) for name in ("lang", "theme", "days"))
    return Asked(
        "pl" if lang is None else language(str(lang)),
        "auto" if look is None else theme(str(look)),
        USUAL_DAYS if length is None else days(str(length)),
    )


def language(text: str) -> str:
    return one_of("lang", text, LANGUAGES)


def theme(text: str) -> str:
    return one_of("theme", text, THEMES)


def days(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    if not FEWEST_DAYS <= number <= MOST_DAYS:
        facts = {"least": FEWEST_DAYS, "most": MOST_DAYS, "text": printable(text)}
        raise QuestionError(_("days: liczba dni od %(least)s do %(most)s, a nie „%(text)s”.") % facts)
    return number


def one_of(name: str, text: str, choices: Collection[str]) -> str:
    if text not in choices:
        facts = {"name": name, "choices": ", ".join(choices), "text": printable(text)}
        raise QuestionError(_("%(name)s: jedno z: %(choices)s, a nie „%(text)s”.") % facts)
    return text


def printable(text: str) -> str:
    """What was typed, as a message may repeat it."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
