"""Each requirement has one row in docs/requirements.md, with a test that exists or the reason why there is none."""

import ast
import re
from collections.abc import Iterable

from tests.test_docs import ROOT, names, read, table

# What this release was asked for; whoever adds a requirement adds its id here and its row in docs/requirements.md.
ASKED: dict[str, list[Iterable[int]]] = {
    "DC": [range(1, 10)],
    "S0": [range(1, 42), range(44, 50), [52, 54], range(56, 77)],
    "S1": [
        [13, 14, 16, 17, 18, 20, 24, 25, 26, 27, 28, 29, 40, 41, 42, 64, 66, 72, 74],
        [3, 5, 6, 7, 8, 9, 48, 70, 75],
    ],
    "S2": [range(1, 36)],
    "S3": [[1, 2, 3, 4, 5, 6, 7, 15, 16, 18, 19], range(10, 15)],
    "S4": [[3, 4, 6, 7], [1, 2, 8, 9, 11, 12]],
    "X": [
        [8, 10, 12, 13, 14, 20, 21, 22, 34, 36, 37, 38, 47, 56, 58, 65, 66],
        [*range(5, 8), *range(16, 19), *range(24, 27), *range(28, 34), *range(40, 43), 48, 51, 52],
        [*range(59, 65), 67, 68, 70, 71],
    ],
}


def known_tests() -> set[str]:
    found = set()
    for path in (ROOT / "tests").glob("test_*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        found |= {f"{path.name}::{node.name}" for node in nodes if isinstance(node, ast.FunctionDef)}
    return found


def requirement_rows() -> list[list[str]]:
    return table(read("docs/requirements.md"))


def test_every_requirement_has_one_row() -> None:
    asked = [f"{group}-{number:02}" for group, spans in ASKED.items() for span in spans for number in span]
    assert sorted(names(requirement_rows())) == sorted(asked)


def test_every_requirement_is_shown_by_a_test_or_says_why_not() -> None:
    for row in requirement_rows():
        assert len(row) == 4, row
        has_test = "`test_" in row[3]
        assert has_test or re.match(r"(Later|Deviation): .{10}", row[3]), f"{row[0]} shows nothing"


def test_every_test_that_a_requirement_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+\.py::\w+)`", read("docs/requirements.md")))
    assert len(named) > 60
    assert sorted(named - known_tests()) == []
    assert "`test_" not in re.sub(r"`test_\w+\.py::test_\w+`", "", read("docs/requirements.md"))
