"""The ECB: a rate that was refused is asked for again, whole days with it, until it comes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from markets.models import Gap, Job, Rate, Source
from markets.records import RateRecord, Table
from miner.collect import one_table
from miner.providers.ecb import ECB
from tests import synced

pytestmark = pytest.mark.django_db

FIRST, LAST = date(2026, 8, 3), date(2026, 10, 26)


@pytest.fixture
def ecb(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> Source:
    at("2026-10-26 18:00")
    monkeypatch.setattr(ECB, "series", (replace(ECB.series[0], first=FIRST),))
    synced.sync()
    return Source.objects.get(code="ecb")


def published(dollar: RateRecord) -> Callable[..., list[Table]]:
    """What the ECB says on working days: a pound, and a dollar that may be wrong."""
    pound = RateRecord("EURGBP", mid=Decimal("0.87"))

    def fetch(self: ECB, start: date, end: date, table: str = "eurofxref") -> list[Table]:
        span = [start + timedelta(days=number) for number in range((end - start).days + 1)]
        return [Table(table, day, [pound, dollar], kind="pair", sha256="0" * 64) for day in span if day.weekday() < 5]

    return fetch


def mine(source: Source) -> str:
    return one_table.mine_one(one_table.run_of_task(source, Job.Trigger.SCHEDULE), ECB.series[0])


def rates_of(code: str) -> int:
    return Rate.objects.filter(instrument__code=code).count()


def test_a_dollar_that_was_refused_for_weeks_comes_when_the_bank_is_well_again(
    ecb: Source, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    monkeypatch.setattr(ECB, "fetch_rates", published(RateRecord("EURUSD", fault="'N/D' is not a number")))
    assert mine(ecb) == "failed", "half of the rates are more than a fifth"
    assert (rates_of("EURUSD"), rates_of("EURGBP")) == (0, 61)
    assert Gap.objects.filter(source=ecb, reason=Gap.Reason.REFUSED).exists()
    monkeypatch.setattr(ECB, "fetch_rates", published(RateRecord("EURUSD", mid=Decimal("1.16"))))
    at("2026-10-26 19:00")
    assert mine(ecb) == "success"
    assert rates_of("EURUSD") == rates_of("EURGBP") == 61
    assert not Gap.objects.filter(source=ecb).exists()
