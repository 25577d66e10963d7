"""What a kept answer costs: calls of Python, which no busy machine changes."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from markets.models import Source
from tests.front_fakes import Proto
from tests.kept_front import Site, running
from tests.test_kept import YEAR, history

ROOT = str(Path(__file__).parent.parent)
# It was 29. One more is 0.2 µs of 13, and several where its code is in no cache of the processor.
MOST_CALLS = 19


@pytest.fixture
def site(nbp: Source, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    at("2026-11-21 09:00")
    history(nbp, "USD", count=60)
    with running(monkeypatch) as one:
        yield one


def calls_of(site: Site, path: str) -> list[str]:
    """Of Python's functions, ours and the libraries', in order."""
    scope, proto, called = site.scope(path, []), Proto(), []
    front: Any = site.front

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and not frame.f_code.co_filename.startswith(f"{ROOT}/tests"):
            called.append(frame.f_code.co_name)

    async def ask() -> None:
        sys.setprofile(note)
        try:
            await front.__rsgi__(scope, proto)
        finally:
            sys.setprofile(None)

    site.front.keeper.stamp.reading = None  # of the loop before
    asyncio.run(ask())
    assert proto.status == 200
    return called


@pytest.mark.parametrize("path", [YEAR, "/waluty/USD/"])
def test_a_kept_answer_takes_few_calls_of_python(site: Site, path: str) -> None:
    site.clock_stands = True
    first = site.get(path)
    site.get(path)
    called = calls_of(site, path)
    assert first.status == 200
    assert site.asked == 1
    assert len(called) <= MOST_CALLS, called
