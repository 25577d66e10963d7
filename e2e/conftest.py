"""One filled house and one browser for all walks; every walk ends with a look at what the page complained of."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from e2e import browser as browsers
from e2e import house as houses
from e2e.browser import Visitor
from e2e.house import House


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with houses.furnished(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="session")
def old_house(house: House) -> Iterator[House]:
    with houses.left_alone(house) as old:
        yield old


@pytest.fixture(scope="session")
def empty_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with houses.unfurnished(Path(tmp_path_factory.mktemp("empty"))) as house:
        yield house


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with browsers.chromium() as chromium:
        yield chromium


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """Open a house in a fresh browser profile: `visit(house, cdn=..., java_script_enabled=False)`."""
    with ExitStack() as stack:
        visitors: list[Visitor] = []

        def visit(house: House, **settings: object) -> Visitor:
            visitors.append(stack.enter_context(browsers.visitor(chromium, house.url, **settings)))  # type: ignore[arg-type]
            return visitors[-1]

        yield visit
        assert [visitor.complaints for visitor in visitors] == [[] for _ in visitors]
        assert [visitor.foreign for visitor in visitors] == [set() for _ in visitors]
