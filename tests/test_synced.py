"""The short way to synced tables ends where the long one does."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management.color import no_style
from django.db import connection
from django_q.models import Schedule

from markets import clock
from markets.models import Instrument, Source
from miner import sources
from tests import synced

pytestmark = pytest.mark.django_db
TABLES = (*synced.TABLES, Schedule)


def rows() -> list[list[dict[str, Any]]]:
    """Keys are given anew each time."""
    return [[told(row) for row in table._default_manager.order_by("pk").values()] for table in TABLES]


def told(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id" and not name.endswith("_id")}


def empty() -> None:
    """Without the signals: each alias that goes would raise the generation of every instrument."""
    for table in reversed(TABLES):
        table._default_manager.all()._raw_delete(connection.alias)


def test_what_is_put_back_is_what_sync_writes(at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")
    synced.sync()
    empty()
    synced.sync()
    short = rows()
    empty()
    sources.sync()
    assert short == rows()
    assert [len(table) for table in short] == [72, 72, 361, 7, 76, 14]


def test_a_test_with_settings_of_its_own_gets_the_real_one(settings: Any) -> None:
    synced.sync()
    empty()
    settings.SOURCES = ["ecb"]
    synced.sync()
    assert list(Source.objects.filter(enabled=True).values_list("code", flat=True)) == ["ecb"]


def test_rows_of_the_tests_own_stay() -> None:
    synced.sync()
    Source.objects.filter(code="nbp").update(unit="its own", polling_interval=77)
    synced.sync()
    assert Source.objects.get(code="nbp").polling_interval == 77


def test_rows_can_be_added_after_sequences_that_began_anew() -> None:
    synced.sync()
    empty()
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), synced.TABLES):  # of empty tables: to the beginning
            cursor.execute(sql)
    synced.sync()
    newest = Instrument.objects.order_by("-pk")[0].pk
    assert Instrument.objects.create(code="XTS", base="XTS", kind="currency", name_pl="x", name_en="x").pk > newest


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["2026-10-26 12:00", "2026-10-26 23:59"])
def test_a_timetable_that_was_kept_is_that_of_every_second_of_its_minute(
    monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    minute = datetime.fromisoformat(moment).replace(tzinfo=clock.WARSAW).astimezone(UTC)
    for second in (0, 59):
        monkeypatch.setattr(clock, "now", lambda second=second: minute.replace(second=second, microsecond=999_999))
        synced.sync()
        empty()
        synced.sync()
        short = rows()
        empty()
        sources.sync()
        assert short == rows()
        empty()
