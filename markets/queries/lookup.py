"""Suggestions for an unknown code: the codes with the most similar spelling."""

from collections.abc import Mapping
from difflib import SequenceMatcher

MAX_RESULTS = 5
# Two letters of three in place: USB finds USD and does not find JPY.
MIN_SIMILARITY = 0.6


def nearest(text: str, names: Mapping[str, str]) -> list[str]:
    """Five codes at most, the most similar first. `names`: code by spelling (code, alias or name)."""
    wanted = text.strip().upper()
    matcher = SequenceMatcher(b=wanted, autojunk=False)
    ranks: dict[str, tuple[float, bool]] = {}
    for name, code in names.items():
        matcher.set_seq1(name.upper())
        if matcher.quick_ratio() >= MIN_SIMILARITY and (ratio := matcher.ratio()) >= MIN_SIMILARITY:
            rank = (-ratio, name[:1].upper() != wanted[:1])
            ranks[code] = min(rank, ranks.get(code, rank))
    return sorted(ranks, key=lambda code: (ranks[code], code))[:MAX_RESULTS]
