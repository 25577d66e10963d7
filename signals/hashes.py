"""The hashes that a row is attested with: the figures that went in, the parameters and the formulas.

docs/technical.md says how anybody computes them without Charon.
"""

import json
from collections.abc import Iterable
from functools import cache
from hashlib import sha256

from django.conf import settings

from signals.rules.rule import Rule

# What stands before the first bar.
BEGINNING = bytes(32)


def chain(lines: Iterable[bytes], newest: bytes) -> list[bytes]:
    """A hash for each bar: that of the hash before it and of its own line. `newest` is the one before the first."""
    found = []
    for line in lines:
        newest = sha256(newest + line).digest()
        found.append(newest)
    return found


def of(rule: Rule) -> dict[str, str]:
    """What all rows of one pass have in common."""
    return {"params": parameters(rule), "program": program()}


def parameters(rule: Rule) -> str:
    """Of a flat JSON object: sorted keys, each value a string, no spaces."""
    return sha256(json.dumps(dict(rule.arguments), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@cache
def program() -> str:
    """The version of Charon, and what its formulas are: `0.1.0+3f2a…`, build metadata as semver writes them."""
    # numpy weighs 10 MB: only the processes that decide load it.
    from signals import compiled

    return f"{settings.VERSION}+{compiled.release()}"
