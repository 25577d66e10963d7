"""A thousand random questions against a reference that walks over the raw package; TAX_QUESTIONS=10000 asks so many,
over all currencies and years.
"""

import os
import random
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from pytest_django import DjangoDbBlocker

from markets.errors import QuestionError, UnknownCodeError
from markets.queries.tax import registry
from markets.queries.tax.answers import answer, answer_all
from markets.queries.tax.faults import CurrencyLeftTableError, NoRateBeforeError, NotQuotedError
from markets.queries.tax.rule import Question, Relation, Sequence
from miner.providers.nbp_archive import NBPArchive
from tests import tax_reference, tax_tables
from tests.tax_tables import DAY, official, put_in, rule

pytestmark = pytest.mark.django_db

QUESTIONS = int(os.environ.get("TAX_QUESTIONS", "1000"))
IS_WHOLE = QUESTIONS > 1000
# Of both tables, from one to the other, new and gone, with four to eight decimals.
CODES = ("USD", "EUR", "HUF", "IDR", "HRK", "BGN", "RUB", "AED", "VND", "ISK", "BYR", "BYN", "VES", "XCG", "ANG")
START, END = (date(2002, 1, 2), date(2026, 10, 26)) if IS_WHOLE else (date(2015, 6, 1), date(2026, 10, 26))
AT_ONCE = 500


@pytest.fixture(scope="module", autouse=True)
def tables(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Official tables of these years."""
    codes = () if IS_WHOLE else CODES
    with tax_tables.module_data(django_db_blocker):
        put_in(official(START, END, codes))
        yield


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> None:
    at("2026-10-27 10:00")
    found = {str(relation): rule(Sequence.NBP, relation) for relation in Relation}
    monkeypatch.setattr(registry, "NAMES", found)


def drawn(seed: int, count: int) -> list[Question]:
    chance = random.Random(seed)
    codes = sorted(tax_reference.readers()) if IS_WHOLE else CODES
    span = (END - START).days - 30
    return [
        Question(
            chance.choice(("before", "up_to", "first")),
            chance.choice(codes),
            START + DAY * (20 + chance.randrange(span)),
        )
        for _ in range(count)
    ]


def same(asked: Question, found: dict[str, object] | QuestionError) -> bool:
    assert asked.date is not None
    expected = tax_reference.answer(asked.code, asked.date, asked.rule)
    if isinstance(found, QuestionError):
        is_gone = not any(day >= START for day in tax_reference.quoted(asked.code))
        refusals = (NotQuotedError, UnknownCodeError) if is_gone else (CurrencyLeftTableError, NoRateBeforeError)
        return expected is None and isinstance(found, refusals)
    said = (found["effective_date"], found["table"], found["rate"], found["final"])
    return expected is not None and said == (expected.day.isoformat(), expected.letter, expected.rate, True)


@pytest.mark.slow
def test_random_questions_are_answered_as_the_raw_package_says() -> None:
    asked = drawn(13, QUESTIONS)
    found = [one for at in range(0, QUESTIONS, AT_ONCE) for one in answer_all(asked[at : at + AT_ONCE])]
    assert [(one, two) for one, two in zip(asked, found, strict=True) if not same(one, two)] == []
    assert sum(isinstance(one, dict) for one in found) > QUESTIONS / 3


def test_one_question_alone_is_answered_as_among_others() -> None:
    asked = drawn(14, 30)
    for question, found in zip(asked, answer_all(asked), strict=True):
        if isinstance(found, QuestionError):
            with pytest.raises(type(found), match=r".*"):
                answer(question)
        else:
            assert answer(question) == found


def test_the_archive_is_answered_by_the_same_rules_also_at_the_edge_of_a_move(archive: object) -> None:
    first, last = date(2022, 2, 1), date(2022, 4, 1)
    put_in(NBPArchive().fetch_rates(first, last), "nbp_archive")
    asked = [Question("before", "RUB", date(2022, 3, 1) + DAY * number) for number in range(28)]
    found = answer_all(asked)
    for question, one in zip(asked, found, strict=True):
        assert isinstance(one, dict)
        assert question.date is not None
        expected = tax_reference.answer("RUB", question.date, "before")
        assert expected == (date.fromisoformat(one["effective_date"]), one["table"], one["rate"])
