"""The fenced blocks of every Markdown file of the project."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from tests.documents.markdown import ROOT, read

FENCE = re.compile(r"^ *(```+|~~~+) *(\S*)")
# What others bring, what is installed or made, and what was recorded.
NOT_OURS = frozenset({".git", ".venv", "data", "node_modules", "recorded", "vendor"})


@dataclass(frozen=True)
class Block:
    page: str
    line: int  # of its opening fence, from 1 on
    language: str
    text: str
    after: bool  # nothing but an empty line stands between it and the block before

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> Iterator[str]:
    """Every Markdown file, whoever added it."""
    for folder, inner, files in os.walk(ROOT):
        inner[:] = sorted(set(inner) - NOT_OURS)
        yield from (str(Path(folder, name).relative_to(ROOT)) for name in sorted(files) if name.endswith(".md"))


def fences(lines: list[str]) -> Iterator[tuple[int, int, str]]:
    """(opening, closing, language) of each block, lines counted from 0."""
    opened = None
    for number, line in enumerate(lines):
        found = FENCE.match(line)
        if not found:
            continue
        if opened is None:
            opened = number, found[1], found[2]
        elif found[1].startswith(opened[1]) and not found[2]:
            yield opened[0], number, opened[2]
            opened = None
    assert opened is None, f"the block that opens in line {opened[0] + 1} is not closed"


def of_page(page: str) -> Iterator[Block]:
    lines = read(page).splitlines()
    found = list(fences(lines))
    ends = [-2, *(closing for _, closing, _ in found)]
    for (opening, closing, language), end in zip(found, ends, strict=False):
        text = "".join(f"{line}\n" for line in lines[opening + 1 : closing])
        yield Block(page, opening + 1, language, text, opening == end + 2 and not lines[end + 1])


@cache
def blocks() -> tuple[Block, ...]:
    return tuple(block for page in pages() for block in of_page(page))


def in_language(*languages: str) -> list[Block]:
    return [block for block in blocks() if block.language in languages]


def pairs(asks: str, answers: str) -> list[tuple[Block, Block]]:
    """A block of one language with that of the other which follows at once."""
    return [
        (first, second)
        for first, second in pairwise(blocks())
        if (first.language, second.language, first.page) == (asks, answers, second.page) and second.after
    ]
