"""Which passwords are refused: known ones, and those that are put together from known ones."""

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


class ComposedPasswordValidator(CommonPasswordValidator):
    """Refuses common passwords, words of this place, and what consists of fewer than five of them and short numbers.

    Of Django's 20,000 common passwords 48 have fifteen characters: alone they would refuse nobody. All that are made of
    two of them are 400 million.
    """

    def validate(self, password: str, user: object = None) -> None:
        super().validate(password, user)
        if fewest_pieces(password.lower().strip(), self.passwords | OF_HERE) < FEWEST:
            raise ValidationError(_("To hasło składa się ze słów, które zgaduje się najpierw."), code="composed")

    def get_help_text(self) -> str:
        return _("Najlepsze jest zdanie z pięciu lub więcej przypadkowych słów; znaki mogą być dowolne.")


def fewest_pieces(text: str, known: set[str] | frozenset[str]) -> float:
    """How few known words, short numbers and repetitions of one sign make up the text; infinity where others remain."""
    longest = max(map(len, known), default=0)
    best: list[float] = [0.0]
    for end in range(1, len(text) + 1):
        first = max(0, end - longest)
        pieces = (best[start] + 1 for start in range(first, end) if is_piece(text[start:end], known))
        best.append(min(pieces, default=float("inf")))
    return best[-1]


def is_piece(text: str, known: set[str] | frozenset[str]) -> bool:
    return text in known or len(set(text)) == 1 or (len(text) <= DIGITS and text.isdecimal())
