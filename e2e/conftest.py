"""Fixtures of the browser tests: one installation, one browser, and a check for console errors."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from e2e import browser as browsers
from e2e import demo as demos
from e2e import installation as installations
from e2e.browser import Visitor
from e2e.demo import Demo
from e2e.effort import Efforts
from e2e.installation import Installation

EFFORTS = Efforts()


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installations.filled(tmp_path_factory.mktemp("installation")) as installation:
        yield installation


@pytest.fixture(scope="session")
def outdated(installation: Installation) -> Iterator[Installation]:
    with installations.four_weeks_later(installation) as old:
        yield old


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installations.empty(Path(tmp_path_factory.mktemp("empty"))) as installation:
        yield installation


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demos.running(tmp_path_factory.mktemp("demo") / "data") as running:
        yield running


@pytest.fixture(scope="session")
def efforts() -> Efforts:
    return EFFORTS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the walks cost, as the table of docs/ux-review.md."""
    if EFFORTS.done:
        terminalreporter.write_line(EFFORTS.table())


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with browsers.chromium() as chromium:
        yield chromium


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """Open a fresh browser profile: `visit(installation, cdn=..., java_script_enabled=False)`."""
    with ExitStack() as stack:
        visitors: list[Visitor] = []

        def visit(installation: Installation, **settings: object) -> Visitor:
            visitors.append(stack.enter_context(browsers.visitor(chromium, installation.url, **settings)))  # type: ignore[arg-type]
            return visitors[-1]

        yield visit
        assert [visitor.complaints for visitor in visitors] == [[] for _ in visitors]
        assert [visitor.foreign for visitor in visitors] == [set() for _ in visitors]
