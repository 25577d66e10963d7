"""The worked example of every rule, as GET /tax-rules shows it, asked at the addresses: one, many, and as a table."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from markets.api.tax_schemas import TaxAnswer, TaxAnswers
from markets.queries.tax.registry import described
from tests.cases import walk
from tests.test_tax_worked import now, tables  # noqa: F401  fixtures: real tables, and the day on which they are asked

pytestmark = pytest.mark.django_db

EXAMPLES: list[dict[str, Any]] = [row["example"] for row in described()]


@pytest.mark.slow
@walk("example", EXAMPLES, ids=lambda example: example["asked"]["rule"])
def test_the_example_of_a_rule_is_answered_as_it_says(client: Client, example: dict[str, Any]) -> None:
    response = client.get("/tax-rate", example["asked"])
    assert response.status_code == 200, response.content
    told, expected = response.json(), example["expected"]
    TaxAnswer.model_validate(told)
    assert (told["table_no"], told["effective_date"]) == (expected["table_no"], expected["effective_date"])
    assert abs(Decimal(told["rate"]) - Decimal(expected["rate"])) < Decimal("1e-9")  # a quotient has no last digit
    assert told["amount_into"] == expected["amount"]


def test_all_examples_at_once_say_the_same_with_as_many_statements_as_one(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    body = json.dumps([example["asked"] for example in EXAMPLES])
    with django_assert_max_num_queries(3):
        response = client.post("/tax-rate", body, content_type="application/json")
    told = response.json()
    TaxAnswers.model_validate(told)
    singly = [client.get("/tax-rate", example["asked"]).json() for example in EXAMPLES]
    assert [one["answer"] for one in told["items"]] == singly


def test_a_table_of_all_examples_has_the_number_of_each_table(client: Client) -> None:
    names = sorted({name for example in EXAMPLES for name in example["asked"]})
    lines = [";".join(example["asked"].get(name, "").replace(".", ",") for name in names) for example in EXAMPLES]
    text = "\r\n".join([";".join(names), *lines])
    response = client.post("/tax-rate?format=csv", text.encode("utf-8-sig"), content_type="text/csv")
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert [row["table_no"] or None for row in rows] == [example["expected"]["table_no"] for example in EXAMPLES]
    assert [row["amount_into"] or None for row in rows] == [example["expected"]["amount"] for example in EXAMPLES]
