"""The pages of tax and the converter with nothing to answer from, while history is loaded, and how much they ask."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from markets.jobs import runs
from markets.models import Job, Source
from tests.test_pages_tax import text_of

pytestmark = pytest.mark.django_db

QUESTION = "/kurs-podatkowy/?waluta=USD&data=2026-03-20&regula=pit"
MOST_STATEMENTS = 8
ASKED = (
    QUESTION,
    "/kurs-podatkowy/?waluta=USB&data=2026-03-20&regula=pit",
    "/kurs-podatkowy/?waluta=USD&data=2026-03-20&regula=vat-ecb",
    "/kurs-podatkowy/faktura/?wystawiono=2026-03-20&waluta=USD&netto=1&vat=23",
    "/przelicznik/?kwota=1&z=USD&na=EUR&data=2026-03-20",
    "/przelicznik/?kwota=1&z=USB&na=EUR&data=2026-03-20",
)


@pytest.fixture(autouse=True)
def moment(at: Callable[[str], None]) -> None:
    at("2026-03-24 13:00")


def test_an_empty_database_has_no_data_and_says_so(client: Client, nbp: Source) -> None:
    response = client.get(QUESTION)
    told = text_of(response.content)
    assert response.status_code == 503
    assert "Brak danych: nie mamy tabeli" in told
    assert "Baza jest jeszcze pusta" in told
    assert "brak notowań" not in told.lower()


def test_while_history_is_loaded_the_page_says_how_far_it_is(client: Client, nbp: Source) -> None:
    job = runs.start("nbp.A", nbp, Job.Trigger.COMMAND)
    Job.objects.filter(pk=job.pk).update(windows=98, windows_done=37)
    assert "37 z 98" in text_of(client.get(QUESTION).content)


@pytest.mark.slow
def test_a_refusal_asks_few_statements_too(client: Client, nbp: Source) -> None:
    many = {}
    for address in ASKED:
        client.get(address)
        with CaptureQueriesContext(connection) as made:
            response = client.get(address)
        assert response.status_code in {404, 422, 503}, address
        if len(made) > MOST_STATEMENTS:
            many[address] = len(made)
    assert many == {}
