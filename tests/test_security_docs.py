"""docs/security.md has one row for each requirement of ASVS 5.0 level 1, and what it names exists."""

import re

import pytest

from tests.test_docs import ROOT, read, table
from tests.test_docs_requirements import known_tests

PAGE = "docs/security.md"
ID = re.compile(r"v5\.0\.0-(\d+)\.\d+\.\d+")
CHAPTERS = range(1, 18)
WHY_NOT = re.compile(r"(?:Not applicable|Deviation): .{15}")
# What shows a row that no test shows: a setting, a document or a target of make.
SHOWN = re.compile(r"`(?:make [a-z-]+|[A-Z][A-Z_]+|[\w./-]+\.(?:md|py|yml|toml)|docker/Caddyfile|\.dockerignore)`|\]\(")


def wanted() -> list[str]:
    lines = (ROOT / "tests" / "asvs_level_1.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def rows() -> list[list[str]]:
    return [row for row in table(read(PAGE)) if ID.fullmatch(row[0])]


def test_every_requirement_of_level_1_has_one_row_in_its_order() -> None:
    assert len(wanted()) == 70
    assert [row[0] for row in rows()] == wanted()


def test_a_row_stands_in_its_chapter_and_every_chapter_is_there() -> None:
    parts = re.split(r"^## V(\d+) ", read(PAGE), flags=re.MULTILINE)[1:]
    assert [int(number) for number in parts[::2]] == list(CHAPTERS)
    for number, text in zip(parts[::2], parts[1::2], strict=True):
        assert {match.group(1) for match in ID.finditer(text)} <= {number}


def test_every_row_says_what_is_asked_how_it_is_and_what_shows_it() -> None:
    for row in rows():
        assert len(row) == 4, row
        assert row[1], row
        assert row[2], row
        assert "`test_" in row[3] or SHOWN.search(row[3]) or WHY_NOT.match(row[2]), f"{row[0]} shows nothing"


def test_every_other_reason_is_one() -> None:
    for row in rows():
        if re.match(r"(?i)not applicable|deviation|n/a", row[2]):
            assert WHY_NOT.match(row[2]), row


@pytest.mark.slow
def test_every_test_that_a_row_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+\.py::\w+)`", read(PAGE)))
    assert len(named) > 60
    assert sorted(named - known_tests()) == []
    assert "`test_" not in re.sub(r"`test_\w+\.py::test_\w+`", "", read(PAGE))


def test_the_file_for_reporters_agrees_with_security_txt() -> None:
    page = read("SECURITY.md")
    assert "/.well-known/security.txt" in page
    assert "SECURITY_CONTACT" in page
