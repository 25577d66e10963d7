"""What holds for every tax rule: its id and file, versions, inputs, worked example, and the days that it chooses."""

import dataclasses
import json
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from markets.errors import QuestionError
from markets.queries.tax import rules
from markets.queries.tax.faults import MissingInputError, RuleNotInForceError, UnknownRuleError
from markets.queries.tax.inputs import INPUTS, alternatives
from markets.queries.tax.questions import checked, warned
from markets.queries.tax.registry import RULES, described, rule_of
from markets.queries.tax.rule import (
    Choice,
    Cross,
    Difference,
    Example,
    Given,
    Published,
    Question,
    Relation,
    Rule,
    Unless,
)
from tests.replica import data

IDS = [
    "pit-revenue", "pit-cost", "pit-deduction", "pit-fx-diff", "cit-revenue", "cit-cost", "cit-fx-diff",
    "vat", "vat-early-invoice", "vat-ecb", "vat-income-tax", "vat-correction", "vat-discount-sale", "vat-discount-buy",
    "vat-import", "vat-mass-event", "vat-threshold", "vat-oss", "vat-sme",
    "uor-balance", "uor-actual", "uor-operation", "uor-reference", "customs", "customs-tariff", "customs-year",
    "limit-october", "limit-year-start", "late-payment", "same-day",
]  # fmt: skip
TODAY = date(2026, 10, 26)
# Every question that a rule can be asked: each input is there, and none contradicts another.
WHOLE: dict[str, Any] = {
    "code": "EUR",
    "amount": Decimal(100),
    "actual_rate": Decimal("4.25"),
    "reference": "USD",
    "cross_rate": Decimal("1.2"),
}
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
days = st.dates(date(2025, 1, 1), date(9999, 12, 31))


def question(rule: Rule, **inputs: Any) -> Question:
    """A question with everything that the rule needs, of the first of the alternatives, and its day."""
    names = {need.split("|")[0] for need in rule.needs} | {"code"} | {"date"} & {*rule.takes}
    return Question(rule=rule.id, **{name: value for name, value in (WHOLE | inputs).items() if name in names})


def on(rule: Rule, day: date) -> Question:
    """The question about a day, whatever the rule calls it. An early invoice is a day before the tax point."""
    dates = dict.fromkeys(("date", "tax_point", "payment_date", "original_tax_point", "period_end"), day)
    return question(rule, **dates, invoice_date=day - timedelta(days=1), year=day.year)


def leaves(choice: Choice) -> list[Published]:
    """The published rates in a choice."""
    match choice:
        case Published():
            return [choice]
        case Cross():
            return leaves(choice.reference)
        case Difference():
            return leaves(choice.earlier) + leaves(choice.later)
        case Unless():
            return leaves(choice.usual) + leaves(choice.check)
    return []


def example_of(rule: Rule) -> Example:
    assert rule.example is not None
    return rule.example


def test_there_are_thirty_rules_of_known_names() -> None:
    assert list(RULES) == IDS
    assert len(RULES) == 30


def test_each_rule_is_a_file_of_its_name_and_no_file_is_left_over() -> None:
    folder = Path(rules.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert files == {name.replace("-", "_") for name in IDS}
    assert all(rule.id == name for name, rule in RULES.items())


@every_rule
def test_a_file_says_of_an_unread_first_day_that_it_is_not_verified(rule: Rule) -> None:
    text = (Path(rules.__file__).parent / f"{rule.id.replace('-', '_')}.py").read_text(encoding="utf-8")
    words = " ".join(text.split('"""')[1].split())
    is_verified = all(version.is_first_day_verified for version in rule.versions)
    assert ("not verified" in words) != is_verified


@every_rule
def test_the_versions_follow_one_another(rule: Rule) -> None:
    assert rule.versions
    assert all(version.statute for version in rule.versions)
    for earlier, later in zip(rule.versions, rule.versions[1:], strict=False):
        assert earlier.valid_to == later.valid_from - timedelta(days=1)
    assert rule.versions[-1].valid_to is None


@every_rule
def test_every_named_input_is_one_of_a_question(rule: Rule) -> None:
    known = {field.name for field in dataclasses.fields(Question)}
    named = {name for need in rule.needs for name in alternatives(need)} | {*rule.takes, *rule.inputs}
    assert named <= known & INPUTS.keys()
    assert not {need for need in rule.needs if need in rule.takes}
    assert not rule.follows or rule.follows in RULES


@every_rule
def test_a_rule_without_its_inputs_names_each_that_is_missing(rule: Rule) -> None:
    with pytest.raises(MissingInputError) as refused:
        checked(Question(rule=rule.id, code="EUR"))
    first = [need.split("|")[0] for need in rule.needs]
    assert refused.value.detail["missing"] == first
    assert [row["name"] for row in refused.value.detail["inputs"]] == first
    assert all(row["description"] for row in refused.value.detail["inputs"])
    assert all(name in refused.value.message for name in first)


@every_rule
def test_each_input_is_missed_alone(rule: Rule) -> None:
    whole = on(rule, TODAY)
    for need in rule.needs:
        nothing: dict[str, Any] = dict.fromkeys(alternatives(need))
        without = dataclasses.replace(whole, **nothing)
        with pytest.raises(MissingInputError) as refused:
            checked(without)
        assert need.split("|")[0] in refused.value.detail["missing"]


@every_rule
def test_a_day_before_the_law_is_refused_with_the_first_day_that_is_answered(rule: Rule) -> None:
    first = RULES[rule.follows or rule.id].versions[0].valid_from
    with pytest.raises(RuleNotInForceError) as refused:
        checked(on(rule, first - timedelta(days=1)))
    assert refused.value.detail["since"] == first.isoformat()
    assert first.isoformat() in refused.value.message
    assert refused.value.status == 422


@every_rule
def test_a_worked_example_is_answered_by_its_own_rule_in_force(rule: Rule) -> None:
    asked = example_of(rule).asked
    found, version = checked(asked)
    assert found is rule
    assert version is rule.versions[-1]
    assert asked.rule == rule.id


def published(one: Published, code: str) -> tuple[str, date, str]:
    """(rate, effective day, number) of the NBP's tables: A, or B where A does not quote it. No database is read."""
    around = range(one.day.year - 1, one.day.year + 2)
    for letter in ("A", "B"):
        tables = {day: table for year in around for day, table in data.tables(letter, year).items()}
        if one.relation is Relation.FIRST:
            day = min(day for day in tables if day >= one.day)
        else:
            day = max(day for day in tables if day < one.day + timedelta(days=one.relation is Relation.UP_TO))
        if figures := tables[day].rates.get(one.code or code):
            return figures[0], day, tables[day].number
    raise AssertionError(f"nobody quotes {code}")


NBP_EXAMPLES = [
    rule for rule in RULES.values() if rule.example and rule.example.table_no and rule.id != "uor-reference"
]


@pytest.mark.parametrize("rule", NBP_EXAMPLES, ids=[rule.id for rule in NBP_EXAMPLES])
def test_a_worked_example_has_the_rate_and_the_table_that_the_bank_published(rule: Rule) -> None:
    told = example_of(rule)
    assert published(leaves(rule.choose(told.asked))[-1], told.asked.code) == (told.rate, told.day, told.table_no)


def test_only_the_examples_of_the_ecb_and_of_given_rates_have_no_table_number() -> None:
    without = [rule.id for rule in RULES.values() if not example_of(rule).table_no]
    ecb = ["vat-ecb", "vat-threshold", "vat-oss", "vat-sme", "customs-tariff", "customs-year"]
    assert sorted(without) == sorted([*ecb, "cit-fx-diff", "uor-actual"])


@every_rule
def test_choosing_asks_no_table_and_twice_chooses_the_same(rule: Rule) -> None:
    """Without the fixture `db` a statement is an error."""
    asked = on(rule, TODAY)
    assert rule.choose(asked) == rule.choose(asked)
    assert rule.event(asked) in {TODAY, TODAY - timedelta(days=1), date(TODAY.year, 1, 1)}


@pytest.mark.slow
@every_rule
@given(day=days)
def test_a_chosen_day_is_never_after_the_event_and_before_is_strict(rule: Rule, day: date) -> None:
    assume(day.year > rule.versions[-1].valid_from.year)
    asked = on(rule, day)
    found, _ = checked(asked)
    assert found is rule
    for one in leaves(rule.choose(asked)):
        assert one.day <= day
        assert one.relation is not Relation.FIRST or (one.day.month, one.day.day) in {(10, 1), (1, 1)} or one.day == day


@pytest.mark.slow
@every_rule
@given(day=st.dates(date.min + timedelta(days=1)))
def test_no_day_of_the_calendar_is_a_fault(rule: Rule, day: date) -> None:
    """A refusal is an answer; anything else that is raised is a fault."""
    try:
        found, _ = checked(on(rule, day))
    except QuestionError:
        return
    assert leaves(found.choose(on(rule, day))) or isinstance(found.choose(on(rule, day)), Given)


def test_the_rows_are_plain_json_and_tell_types_and_needs() -> None:
    rows = described()
    assert json.loads(json.dumps(rows)) == rows
    assert [row["id"] for row in rows] == IDS
    for row in rows:
        assert row["name_pl"]
        assert row["name_en"]
        assert row["table"]
        assert row["inputs"][0]["name"] == "code"
        assert row["inputs"][0]["required"]
        assert all(one["description"] and one["type"] == INPUTS[one["name"]][0] for one in row["inputs"])
        assert len({one["name"] for one in row["inputs"]}) == len(row["inputs"])
        assert row["example"]["expected"]["rate"]


def test_a_row_tells_which_of_two_inputs_is_enough() -> None:
    inputs = {one["name"]: one for one in described()[IDS.index("vat")]["inputs"]}
    assert inputs["tax_point"]["one_of"] == inputs["date"]["one_of"] == ["tax_point", "date"]
    assert inputs["tax_point"]["required"]
    assert not inputs["invoice_date"]["required"]
    assert described()[IDS.index("vat-discount-sale")]["table"].count(", or ") == 2


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("pit", "pit-revenue"),
        ("vat", "vat"),
        ("vat-ecb", "vat-ecb"),
        ("same-day", "same-day"),
        (" PIT-Cost ", "pit-cost"),
    ],
)
def test_a_rule_is_found_by_id_and_alias_in_any_case(name: str, id_: str) -> None:
    assert rule_of(name).id == id_


@pytest.mark.parametrize("name", ["", " ", "pit-revenu", "pit\0", "ｐｉｔ", "x" * 100_000, "vat ecb", "31a"])
def test_an_unknown_rule_is_refused_with_the_nearest_ids(name: str) -> None:
    with pytest.raises(UnknownRuleError) as refused:
        rule_of(name)
    assert refused.value.status == 422
    assert len(refused.value.message) < 100
    assert set(refused.value.detail["nearest"]) <= set(IDS)


def test_a_misspelt_rule_finds_the_one_that_was_meant() -> None:
    with pytest.raises(UnknownRuleError) as refused:
        rule_of("pit-revenu")
    assert refused.value.detail["nearest"][0] == "pit-revenue"


@every_rule
def test_an_input_that_changes_nothing_is_told(rule: Rule) -> None:
    asked = dataclasses.replace(on(rule, TODAY), order="tax-first")
    assert not [words for words in warned(rule, asked) if "changed nothing" in words]
    idle = "period_end" if "year" in {*rule.needs} else "original_invoice_date"
    if idle in rule.takes:
        return
    day: dict[str, Any] = {idle: TODAY}
    more = dataclasses.replace(asked, **day)
    assert f"{rule.id} does not ask for {idle}: it changed nothing." in warned(rule, more)


def test_the_page_of_the_rules_says_what_the_rules_say() -> None:
    """Its table has each rule with its aliases, statute, first day (`?`: not verified) and needed inputs."""
    page = (Path(__file__).parent.parent / "docs" / "tax.md").read_text(encoding="utf-8")
    table = page.partition("\n## The rules\n")[2].partition("\n## ")[0]
    rows = [re.split(r"\s*\|\s*", line.strip("| ")) for line in table.splitlines() if line.startswith("| `")]
    assert [re.findall(r"`([\w-]+)`", name) for name, *_ in rows] == [
        [rule.id, *rule.aliases] for rule in RULES.values()
    ]
    for rule, (_, statute, since, _, needs) in zip(RULES.values(), rows, strict=True):
        version = rule.versions[0]
        assert statute == version.statute
        assert since == version.valid_from.isoformat() + " ?" * (not version.is_first_day_verified)
        assert re.findall(r"`(\w+)`", needs) == [name for need in rule.needs for name in alternatives(need)]
