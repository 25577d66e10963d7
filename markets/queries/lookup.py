"""What somebody may have meant by a code that does not exist."""

from collections.abc import Mapping
from difflib import SequenceMatcher

MOST = 5
# Two letters of three in place: USB finds USD and does not find JPY.
ALIKE = 0.6


def nearest(text: str, names: Mapping[str, str]) -> list[str]:
    """Codes whose spelling (a key of `names`) is like the text, the likest first."""
    wanted = text.strip().upper()
    matcher = SequenceMatcher(b=wanted, autojunk=False)
    ranks: dict[str, tuple[float, bool]] = {}
    for name, code in names.items():
        matcher.set_seq1(name.upper())
        if matcher.quick_ratio() >= ALIKE and (ratio := matcher.ratio()) >= ALIKE:
            rank = (-ratio, name[:1].upper() != wanted[:1])
            ranks[code] = min(rank, ranks.get(code, rank))
    return sorted(ranks, key=lambda code: (ranks[code], code))[:MOST]
