"""The English texts: complete for what is said in English, and compiled."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages import extract, mofile, pofile
from babel.messages.catalog import Catalog

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "locale" / "en" / "LC_MESSAGES"
# What the API says in both languages.
SPOKEN = [
    *sorted((ROOT / "signals" / "rules").glob("*.py")),
    *(ROOT / "signals" / f"{name}.py" for name in ("explain", "explain_rows", "flip", "rating")),
    *sorted((ROOT / "signals" / "alerts" / "channels").glob("*.py")),
    *(
        ROOT / "signals" / "alerts" / name
        for name in ("preview_text.py", "deliver/message.py", "deliver/texts.py", "models.py")
    ),
    ROOT / "signals" / "models.py",
    ROOT / "signals" / "outcomes" / "words.py",
    ROOT / "markets" / "network" / "fault_words.py",
    ROOT / "markets" / "formats.py",
    # What feeds and frames say with lang=en.
    *sorted((ROOT / "charon" / "feeds").glob("*.py")),
    *(ROOT / "charon" / "pages" / f"{name}.py" for name in ("alert_words", "problem_words")),
    ROOT / "markets" / "problems.py",
]
KEYWORDS = dict.fromkeys(("_", "gettext", "gettext_noop", "gettext_lazy"))
FACT = re.compile(r"%\((\w+)\)|%s|%%")


def catalog() -> Catalog:
    with (FOLDER / "django.po").open("rb") as file:
        return pofile.read_po(file)


def texts(path: Path) -> set[str]:
    with path.open("rb") as file:
        return {str(message) for _line, message, *_ in extract.extract("python", file, KEYWORDS)}


@pytest.mark.parametrize("path", SPOKEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_text_has_its_english(path: Path) -> None:
    english = catalog()
    assert {text for text in texts(path) if not (found := english.get(text)) or not found.string} == set()


def test_a_translation_names_the_same_facts() -> None:
    for message in catalog():
        assert sorted(FACT.findall(str(message.id))) == sorted(FACT.findall(str(message.string))), message.id


def test_no_text_of_the_catalog_has_left_the_code() -> None:
    spoken = set().union(*(texts(path) for path in SPOKEN))
    assert {str(message.id) for message in catalog() if message.id} <= spoken


def test_what_is_compiled_is_what_is_written() -> None:
    made = BytesIO()
    mofile.write_mo(made, catalog())
    assert (FOLDER / "django.mo").read_bytes() == made.getvalue(), "make locale"
