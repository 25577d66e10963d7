"""The files that the checks name are there: a path of a renamed module would check nothing and say that all is well."""

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOOLS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]


def missing(patterns: list[str]) -> list[str]:
    return [pattern for pattern in patterns if not any(ROOT.glob(pattern))]


def test_what_pyright_reads_is_there() -> None:
    assert missing(TOOLS["pyright"]["include"]) == []


def test_the_packages_whose_branches_are_counted_are_there() -> None:
    assert missing(TOOLS["coverage"]["run"]["source"]) == []
    makefile = (ROOT / "Makefile").read_text()
    assert f"for package in {' '.join(TOOLS['coverage']['run']['source'])}; do" in makefile
    assert TOOLS["coverage"]["report"]["fail_under"] == 95


def test_what_is_broken_on_purpose_is_there_and_so_are_the_tests_that_should_notice() -> None:
    mutated = TOOLS["mutmut"]
    assert missing(mutated["only_mutate"]) == []
    assert missing(mutated["pytest_add_cli_args_test_selection"]) == []
    assert missing(mutated["source_paths"] + mutated["also_copy"]) == []
