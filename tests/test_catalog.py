"""The English texts: each of the code and of the templates has its own, and none is left over."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages import pofile
from babel.messages.catalog import Catalog

from tests.texts import ROOT, python_files, templates, texts

FACT = re.compile(r"%\((\w+)\)|%s|%%")


@cache
def catalog() -> Catalog:
    with (ROOT / "locale" / "en" / "LC_MESSAGES" / "django.po").open("rb") as file:
        return pofile.read_po(file)


def missing(path: Path) -> list[str]:
    english = catalog()
    return sorted(text for text in texts(path) if not (found := english.get(text)) or not found.string)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["python", "templates"])
def test_each_text_has_its_english(kind: str) -> None:
    paths = python_files() if kind == "python" else templates()
    assert {str(path.relative_to(ROOT)): lacking for path in paths if (lacking := missing(path))} == {}


def test_no_translation_is_a_guess() -> None:
    assert [message.id for message in catalog() if message.id and message.fuzzy] == []


def test_a_translation_names_the_same_facts() -> None:
    for message in catalog():
        assert sorted(FACT.findall(str(message.id))) == sorted(FACT.findall(str(message.string))), message.id


@pytest.mark.slow
def test_no_text_of_the_catalog_has_left_the_code() -> None:
    spoken = set().union(*map(texts, [*python_files(), *templates()]))
    assert {str(message.id) for message in catalog() if message.id} - spoken == set()
