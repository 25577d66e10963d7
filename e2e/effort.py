"""What a walk costs a visitor: clicks, keystrokes and the seconds of the machine, as the table of docs/ux-review.md."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page

HEAD = ("| walk | language | width | clicks | keys | seconds |", "|---|---|---|---|---|---|")


@dataclass(slots=True)
class Effort:
    """One walk. The seconds are those from the first click or address to the answer; nobody thinks in between."""

    page: Page
    walk: str
    language: str
    width: int
    clicks: int = 0
    keys: int = 0
    seconds: float = 0.0

    def click(self, where: Locator) -> None:
        where.click()
        self.clicks += 1

    def choose(self, where: Locator, value: str) -> None:
        """An option of a list costs two clicks."""
        where.select_option(value)
        self.clicks += 2

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.keys += len(keys)

    def type(self, text: str) -> None:
        self.press(*text)

    def fill(self, where: Locator, text: str) -> None:
        """One click into the field, which then has what was in it selected."""
        self.click(where)
        where.select_text()
        self.type(text)

    def line(self) -> str:
        cells = (self.walk, self.language, self.width, self.clicks, self.keys, f"{self.seconds:.1f}")
        return f"| {' | '.join(map(str, cells))} |"


@dataclass(slots=True)
class Efforts:
    done: list[Effort] = field(default_factory=list)

    @contextmanager
    def of(self, page: Page, walk: str, start: str, width: int) -> Iterator[Effort]:
        effort, begun = Effort(page, walk, start.removeprefix("/") or "pl", width), time.monotonic()
        yield effort
        effort.seconds = time.monotonic() - begun
        self.done.append(effort)

    def table(self) -> str:
        return "\n".join([*HEAD, *(one.line() for one in self.done)])
