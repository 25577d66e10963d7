"""What lists the code is generated from it: no module, table, column or decision is missing, twice or out of date."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import Model

from tests.documents import modules, pages, tables
from tests.documents.markdown import PACKAGES, ROOT
from tests.test_docs import names, read, section, table

# `docs/architecture.md` is read in one sitting.
LONGEST = 160
PARTS_OF_A_DECISION = ["Context", "Decision", "Why", "Consequences"]


def code_files() -> set[str]:
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix() for path in found if "migrations" not in path.parts}


def models() -> list[type[Model]]:
    return [model for model in apps.get_models() if model.__module__.partition(".")[0] in PACKAGES]


def part_of(page: str, name: str) -> str:
    (text,) = (part[0] for part in pages.PART.finditer(read(page)) if part[2] == name)
    return text


@pytest.mark.slow
@pytest.mark.parametrize("page", pages.PAGES)
def test_the_generated_parts_are_what_the_code_says(page: str) -> None:
    assert pages.rewritten(page) == read(page), "make docs writes it anew"


def test_every_generated_part_stands_in_one_page() -> None:
    found = [name for page in pages.PAGES for _, name, _ in pages.PART.findall(read(page))]
    assert sorted(found) == sorted(pages.PARTS)


@pytest.mark.slow
def test_every_module_has_a_first_line() -> None:
    assert sorted(name for name in code_files() if not modules.first_line(ROOT / name)) == []


def test_every_module_stands_in_the_tree_once() -> None:
    rows = table(part_of("docs/architecture.md", "tree"))
    listed = [f"{row[0].strip('`')}{name}.py" for row in rows for name in re.findall(r"`([\w-]+)`", row[2])]
    assert sorted([*listed, *(f"{folder}__init__.py" for folder in names(rows))]) == sorted(code_files())


def test_every_module_stands_in_the_list_of_modules_once() -> None:
    chapters = re.split(r"^## `(.+)`$", part_of("docs/modules.md", "modules"), flags=re.MULTILINE)[1:]
    listed = [
        f"{folder}{name}"
        for folder, text in zip(chapters[::2], chapters[1::2], strict=True)
        for name in ["__init__.py", *names(table(text))]
    ]
    assert sorted(listed) == sorted(code_files())


def test_the_architecture_is_read_in_one_sitting() -> None:
    assert len(read("docs/architecture.md").splitlines()) <= LONGEST


def described() -> dict[str, list[str]]:
    """The columns that the page has of each table."""
    chapters = re.split(r"^### (\w+)$", part_of("docs/data-model.md", "data-model"), flags=re.MULTILINE)[1:]
    return {name: names(table(text)) for name, text in zip(chapters[::2], chapters[1::2], strict=True)}


def test_every_table_is_described_with_every_column() -> None:
    own = {
        model.__name__: [field.name for field in model._meta.local_fields if field.name != "id"] for model in models()
    }
    assert len(own) > 20
    assert described() == own


def test_every_table_says_what_a_row_is() -> None:
    assert [model.__name__ for model in models() if not tables.docstring(model)] == []
    listed = re.findall(r"^\| \[(\w+)\]", part_of("docs/data-model.md", "tables"), re.MULTILINE)
    assert sorted(listed) == sorted(model.__name__ for model in models())


def used_meanings() -> Iterator[tuple[str, str]]:
    """(column, the name under which docs/columns.toml has its meaning)."""
    known = tables.meanings()
    for model in models():
        for field in tables.columns(model):
            own = f"{model.__name__}.{field.name}"
            yield own, own if own in known else field.name


def test_every_column_has_a_meaning_and_every_meaning_a_column() -> None:
    known = tables.meanings()
    assert [column for column, name in used_meanings() if not known.get(name)] == []
    assert sorted(known.keys() - {name for _, name in used_meanings()}) == []


def test_keys_and_indexes_are_those_of_the_models() -> None:
    text = part_of("docs/data-model.md", "data-model")
    for model in models():
        for named in [*model._meta.constraints, *model._meta.indexes]:
            assert f"`{named.name}`" in text
    rate = text.partition("### Rate\n")[2].partition("### ")[0]
    assert "- unique `one_figure_a_day`: source, table, effective_date, instrument\n" in rate
    assert "- index `rate_series`: instrument, effective_date, table\n" in rate
    job = text.partition("### Job\n")[2].partition("### ")[0]
    assert "- unique `one_run_at_a_time`: job_type where status is running\n" in job


def test_a_table_of_another_package_is_named_without_a_link() -> None:
    assert tables.linked(apps.get_model("auth", "User")) == "User"
    assert tables.linked(apps.get_model("markets", "Rate")) == "[Rate](#rate)"


# Decisions


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name.partition("-")[0]) for path in pages.decisions()]
    assert numbers == list(range(1, len(numbers) + 1))
    others = {path.name for path in (ROOT / "docs" / "decisions").iterdir()} - {"README.md"}
    assert others == {path.name for path in pages.decisions()}


@pytest.mark.parametrize("path", pages.decisions(), ids=lambda path: path.stem[:4])
def test_a_decision_is_one_short_page_of_four_parts(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(rf"# {path.name[:4]}: [A-Z\w].+\n", text)
    assert re.findall(r"^\*\*(\w+)\.\*\* ", text, re.MULTILINE) == PARTS_OF_A_DECISION
    assert len(text.splitlines()) <= 25


# Where a change goes


def test_every_file_in_the_table_of_changes_exists() -> None:
    rows = table(section("CONTRIBUTING.md", "## Where does my change go?"))
    assert len(rows) > 8
    paths = re.findall(r"`(\w[\w.-]*/[\w./-]*)`", "".join(cell for row in rows for cell in row[1:]))
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []
