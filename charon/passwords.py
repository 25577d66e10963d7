"""Which passwords are refused: known ones, and those that are put together from known ones."""

import re
from collections.abc import Set
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# What this installation and its pages suggest to whoever looks for a word.
OF_HERE = frozenset({"charon", "nbp", "ecb", "kurs", "kursy", "waluta", "waluty", "zloto", "złoto", "bitcoin",
    "gold", "rates", "exchange", "signals", "haslo", "hasło", "operator"})  # fmt: skip
# `dragon1Qwerty2026` is four guesses put together, whatever its length; a phrase of five words is no guess.
FEWEST = 5
# Longer numbers are not tried one by one.
DIGITS = 4
# `abcabcabc` and `aaaa`: to say a thing again makes nothing longer.
AGAIN = re.compile(r"(.{1,8}?)\1{2,}", re.DOTALL)


class ComposedPasswordValidator(CommonPasswordValidator):
    """Refuses common passwords, words of this place, and what consists of fewer than five of them and short numbers.

    Of Django's 20,000 common passwords 48 have fifteen characters: alone they would refuse nobody. All that are made of
    two of them are 400 million.
    """

    def validate(self, password: str, user: Any = None) -> None:
        super().validate(password, user)
        if fewest_pieces(password.lower().strip(), self.passwords | OF_HERE) < FEWEST:
            raise ValidationError(_("To hasło składa się ze słów, które zgaduje się najpierw."), code="composed")

    def get_help_text(self) -> str:
        return _("Najlepsze jest zdanie z pięciu lub więcej przypadkowych słów; znaki mogą być dowolne.")


def fewest_pieces(text: str, known: Set[str]) -> int:
    """How few known words, short numbers and single signs make up the text, or it with what is said again once."""
    return min(pieces(text, known), pieces(AGAIN.sub(r"\1", text), known))


def pieces(text: str, known: Set[str]) -> int:
    longest = max(map(len, known), default=1)
    text = text[: FEWEST * longest]  # so much has as many pieces as are asked for
    best = [0]
    for end in range(1, len(text) + 1):
        starts = range(max(0, end - longest), end)
        best.append(1 + min(best[start] for start in starts if is_piece(text[start:end], known)))
    return best[-1]


def is_piece(text: str, known: Set[str]) -> bool:
    return len(text) == 1 or text in known or (len(text) <= DIGITS and text.isdecimal())
