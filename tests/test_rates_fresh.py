"""What a kept answer about several rates depends on beside the rates: gaps, and what an alias means."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client

from markets import clock
from markets.models import Alias, Gap, Generation, Instrument, Rate, Source
from markets.store import gaps
from tests.rate_days import ask, save, table, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]
THURSDAY = date(2026, 10, 22)


@pytest.fixture(autouse=True)
def tables(at: Callable[[str], None], nbp: Source) -> None:
    at("2026-10-24 11:00")
    save(nbp, *(table("A", date(2026, 10, day), USD="3.9000", EUR="4.3000") for day in (21, 23)))


def reason(client: Client) -> str:
    answer = ask(client, "/rates", code="USD", date=THURSDAY)
    assert answer["items"] == ask(client, "/rates", code="USD", fill="none", from_=THURSDAY, to=THURSDAY)["items"]
    [[found]] = told(answer, "reason")
    return str(found)


def test_a_gap_is_told_as_soon_as_it_is_known_and_no_more_once_it_is_accepted(client: Client, nbp: Source) -> None:
    assert reason(client) == "no_publication"
    gaps.record(nbp, Gap.Reason.FAILED, [gaps.of_days("A", THURSDAY, THURSDAY)])
    assert reason(client) == "missing_here"
    Gap.objects.update(accepted_at=clock.now())
    assert reason(client) == "no_publication"


def test_an_alias_that_means_another_currency_is_answered_so(client: Client) -> None:
    alias = Alias.objects.create(name="MONEY", instrument=Instrument.objects.get(code="USD"))
    asked = {"code": "MONEY", "date": "2026-10-23"}
    assert told(ask(client, "/rates", **asked), "code", "mid") == [("USD", "3.9000")]
    alias.instrument = Instrument.objects.get(code="EUR")
    alias.save()
    assert told(ask(client, "/rates", **asked), "code", "mid") == [("EUR", "4.3000")]
    assert told(ask(client, "/latest", code="MONEY"), "code") == [("EUR",)]
    alias.delete()
    assert client.get("/rates", asked).status_code == 404


def test_an_instrument_goes_with_its_aliases_and_leaves_no_generation(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    """Two at once: the aliases of both go before either of them."""
    for code in ("USD", "EUR"):
        Alias.objects.create(name=f"{code}-MONEY", instrument=Instrument.objects.get(code=code))
    Rate.objects.filter(instrument__code__in=["USD", "EUR"]).delete()
    Generation.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        Instrument.objects.filter(code__in=["USD", "EUR"]).delete()
    left = set(Generation.objects.values_list("instrument__code", flat=True))
    assert left == set(Instrument.objects.values_list("code", flat=True))
    assert client.get("/rates?code=USD-MONEY").status_code == 404
