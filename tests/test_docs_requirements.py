"""Each requirement has one row in docs/requirements.md: done with its test, or a deviation with its reason."""

import ast
import re

import pytest

from tests.test_docs import ROOT, read, section, table

PAGE = "docs/requirements.md"
# How many ids each document has, from 01 on without a gap: a requirement that is added is counted here and on the page.
DOCUMENTS = {"DC": 9, "S0": 76, "S1": 75, "S2": 35, "S3": 20, "S4": 12, "X": 71}
ID = re.compile(r"(?:DC|S[0-4]|X)-\d\d")
REASON = re.compile(r"Deviation: .{10}")


def known_tests() -> set[str]:
    found = set()
    for path in (ROOT / "tests").glob("test_*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        found |= {f"{path.name}::{node.name}" for node in nodes if isinstance(node, ast.FunctionDef)}
    return found


def requirement_rows() -> list[list[str]]:
    return [row for row in table(read(PAGE)) if ID.fullmatch(row[0])]


def test_every_requirement_has_one_row() -> None:
    asked = [f"{prefix}-{number:02}" for prefix, last in DOCUMENTS.items() for number in range(1, last + 1)]
    assert len(asked) == 298
    assert sorted(row[0] for row in requirement_rows()) == sorted(asked)


def test_the_page_counts_the_ids_of_every_document() -> None:
    told = {row[0].strip("`"): row[2] for row in table(section(PAGE, "## The documents"))}
    assert told == {prefix: f"01 to {last:02}" for prefix, last in DOCUMENTS.items()}
    assert f"these {sum(DOCUMENTS.values())} ids" in section(PAGE, "## The documents")


def test_every_requirement_is_shown_by_a_test_or_says_why_not() -> None:
    for row in requirement_rows():
        assert len(row) == 4, row
        assert row[1], row
        has_test = "`test_" in row[3]
        assert has_test or REASON.match(row[3]), f"{row[0]} shows nothing"
        assert row[2] or REASON.search(row[3]), f"{row[0]} says neither where it is nor why not"


def test_nothing_is_open_and_every_deviation_has_its_reason() -> None:
    for row in requirement_rows():
        words = re.findall(r"\b(Later|Planned|Deviation|TODO|Missing|not yet)\b(.{0,13})", row[3])
        assert all(name == "Deviation" and rest.startswith(": ") for name, rest in words), row[0]


@pytest.mark.slow
def test_every_test_that_a_requirement_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+\.py::\w+)`", read(PAGE)))
    assert len(named) > 250
    assert sorted(named - known_tests()) == []
    assert "`test_" not in re.sub(r"`test_\w+\.py::test_\w+`", "", read(PAGE))
