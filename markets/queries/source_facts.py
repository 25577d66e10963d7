"""What is written of the sources whose figures everybody sees."""

from typing import NamedTuple

from markets.licence import Audience, shown_to
from markets.models import Source


class SourceFacts(NamedTuple):
    code: str
    name: str
    url: str
    licence: str
    attribution: str


def shown() -> list[SourceFacts]:
    """By name; one query."""
    found = Source.objects.filter(shown_to(Audience.PAGE, ""), available=True).order_by("name")
    return [SourceFacts(*row) for row in found.values_list("code", "name", "url", "licence", "attribution")]
