"""What was known of official figures at a moment: first fetches, archives, corrections, and what nothing recorded."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from markets.api.as_of import as_of_moment, checked, since_moment
from markets.errors import QuestionError
from markets.jobs import runs
from markets.licence import Audience
from markets.models import ArchiveReading, Job, Publication, Rate, Revision, Source
from markets.queries import known
from markets.queries import rates as rate_queries
from markets.records import RateRecord, Table
from markets.store.publish import publish

pytestmark = pytest.mark.django_db

At = Callable[[str], None]
JAN_2, JAN_3 = date(2024, 1, 2), date(2024, 1, 3)


def published(day: date, sha: str = "a", number: str = "", letter: str = "A", **figures: str) -> Table:
    lines = [RateRecord(code, mid=Decimal(value)) for code, value in figures.items()]
    number = number or f"{day.day:03}/{letter}/NBP/2024"
    return Table(letter, day, lines, number=number, url="https://nbp.example/", sha256=sha * 64)


def archived(day: date, **figures: str) -> Table:
    return Table("A", day, [RateRecord(code, mid=Decimal(value)) for code, value in figures.items()])


def moment(text: str) -> datetime:
    return as_of_moment(text)


def seen(as_of: str, code: str = "USD", asker: Audience = Audience.API) -> list[tuple[Any, ...]]:
    """(day, mid, source, number) of what was known."""
    rows = rate_queries.rates(rate_queries.find_currency(code), date(2024, 1, 1), date(2024, 1, 31), audience=asker)
    found = known.as_known(known.known_by(rows, moment(as_of)), moment(as_of), asker)
    return [(one.effective_date.day, rate_queries.digits(one.mid, one.scale), one.source, one.number) for one in found]


@pytest.fixture
def archive_job(archive: Source) -> Job:
    return runs.start("nbp_archive.mid", archive, Job.Trigger.COMMAND)


def test_a_figure_is_known_since_its_publication_was_fetched_and_not_since_its_day(
    nbp: Source, job: Job, at: At
) -> None:
    at("2024-01-05 12:00")
    publish([published(JAN_2, USD="3.9432")], nbp, job)
    assert seen("2024-01-05T10:59:59Z") == []
    assert seen("2024-01-05T11:00:00Z") == [(2, "3.9432", "nbp", "002/A/NBP/2024")]


def test_a_corrected_figure_has_the_value_that_was_known_then_with_its_digits_and_number(
    nbp: Source, job: Job, at: At
) -> None:
    at("2024-01-02 12:00")
    publish([published(JAN_2, USD="3.9430")], nbp, job)
    at("2024-01-03 12:00")
    publish([published(JAN_2, sha="b", number="002/A/NBP/2024/K", USD="3.94")], nbp, job)
    at("2024-01-04 12:00")
    publish([published(JAN_2, sha="c", number="002/A/NBP/2024/L", USD="3.9501")], nbp, job)
    assert seen("2024-01-01T23:00:00Z") == []
    assert seen("2024-01-02T11:00:00Z") == [(2, "3.9430", "nbp", "002/A/NBP/2024")]
    assert seen("2024-01-03T11:00:00Z") == [(2, "3.94", "nbp", "002/A/NBP/2024/K")]
    assert seen("2024-01-04T11:00:00Z") == [(2, "3.9501", "nbp", "002/A/NBP/2024/L")]


def test_the_first_fetch_survives_another_reading_of_the_table(nbp: Source, job: Job, at: At) -> None:
    at("2024-01-02 12:00")
    publish([published(JAN_2, USD="3.9430")], nbp, job)
    at("2024-01-03 12:00")
    publish([published(JAN_2, sha="b", USD="3.9430")], nbp, job)
    row = Publication.objects.get()
    assert (row.first_fetched_at.day, row.fetched_at.day) == (2, 3)
    assert [figure[1] for figure in seen("2024-01-02T12:00:00Z")] == ["3.9430"]


def test_an_archives_figure_is_known_since_its_window_was_read(
    archive: Source, archive_job: Job, at: At
) -> None:  # fmt: skip
    at("2024-02-01 12:00")
    publish([archived(JAN_3, USD="3.9600")], archive, archive_job)
    at("2024-02-02 12:00")
    publish([archived(JAN_2, USD="3.9432")], archive, archive_job)
    assert seen("2024-02-01T11:00:00Z") == [(3, "3.9600", "nbp_archive", "")]
    assert len(seen("2024-02-02T11:00:00Z")) == 2
    reading = ArchiveReading.objects.order_by("read_at")[0]
    assert (reading.edition, reading.from_day, reading.to_day) == (archive.edition, JAN_3, JAN_3)


@pytest.mark.parametrize(("official", "scale"), [("3.9432", "3.9432"), ("3.9500", "3.9500")])
def test_before_the_official_figure_came_the_archives_was_known(
    archive: Source, nbp: Source, archive_job: Job, job: Job, at: At, official: str, scale: str
) -> None:
    """Also where both are equal, so that no correction was written."""
    at("2024-02-01 12:00")
    publish([archived(JAN_2, USD="3.9432")], archive, archive_job)
    at("2024-02-03 12:00")
    publish([published(JAN_2, USD=official)], nbp, job)
    assert seen("2024-01-31T12:00:00Z") == []
    assert seen("2024-02-02T12:00:00Z") == [(2, "3.9432", "nbp_archive", "")]
    assert seen("2024-02-03T12:00:00Z") == [(2, scale, "nbp", "002/A/NBP/2024")]


def test_what_the_archive_did_not_have_is_not_known_since_its_reading(
    archive: Source, nbp: Source, archive_job: Job, job: Job, at: At
) -> None:
    """Another currency of the same day: the days that were read do not tell it, the row does."""
    at("2024-02-01 12:00")
    publish([archived(JAN_2, USD="3.9432")], archive, archive_job)
    at("2024-02-03 12:00")
    publish([published(JAN_2, USD="3.9432", EUR="4.3434")], nbp, job)
    assert seen("2024-02-02T12:00:00Z", "EUR") == []
    assert [figure[1] for figure in seen("2024-02-03T12:00:00Z", "EUR")] == ["4.3434"]
    now = moment("2024-02-03T12:00:00Z")
    [euro] = known.as_known(known.known_by(Rate.objects.filter(instrument__code="EUR"), now), now)
    assert euro.known_from.day == 3


def test_a_figure_that_its_table_leaves_out_later_was_known_and_still_is(nbp: Source, job: Job, at: At) -> None:
    at("2024-01-02 12:00")
    publish([published(JAN_2, USD="3.9430", EUR="4.3434")], nbp, job)
    at("2024-01-03 12:00")
    publish([published(JAN_2, sha="b", USD="3.9430")], nbp, job)
    assert Rate.objects.get(instrument__code="EUR").publication is None
    assert seen("2024-01-02T12:00:00Z", "EUR") == [(2, "4.3434", "nbp", "002/A/NBP/2024")]
    assert seen("2024-01-03T12:00:00Z", "EUR") == [(2, "4.3434", "nbp", "")]


def test_a_figure_that_nothing_dates_is_not_called_known(nbp: Source, job: Job, at: At) -> None:
    at("2024-01-02 12:00")
    publish([published(JAN_2, USD="3.9430")], nbp, job)
    Rate.objects.update(publication=None)
    Publication.objects.all().delete()
    assert seen("2024-01-02T12:00:00Z") == []


def test_another_notation_is_no_correction(nbp: Source, job: Job, at: At) -> None:
    at("2024-01-02 12:00")
    publish([published(JAN_2, USD="3.9430")], nbp, job)
    row = Rate.objects.get()
    values = {"old_mid": "3.943", "old_scale": 3, "new_mid": "3.943", "new_scale": 4, "notation": True}
    sources = {"old_source": nbp, "new_source": nbp}
    Revision.objects.create(rate=row, seen_at=moment("2024-01-05T12:00:00Z"), **sources, **values)
    assert [figure[1] for figure in seen("2024-01-03T12:00:00Z")] == ["3.9430"]


def test_a_value_of_a_source_that_is_not_public_is_left_out(
    archive: Source, nbp: Source, archive_job: Job, job: Job, at: At
) -> None:
    at("2024-02-01 12:00")
    publish([archived(JAN_2, USD="3.9432")], archive, archive_job)
    at("2024-02-03 12:00")
    publish([published(JAN_2, USD="3.9500")], nbp, job)
    Source.objects.filter(pk=archive.pk).update(public_api=False)
    assert seen("2024-02-02T12:00:00Z") == []
    assert len(seen("2024-02-02T12:00:00Z", asker=Audience.OPERATOR)) == 1
    assert [figure[1] for figure in seen("2024-02-03T12:00:00Z")] == ["3.9500"]


def test_since_when_a_value_is_known_is_the_moment_of_that_value(nbp: Source, job: Job, at: At) -> None:
    at("2024-01-02 12:00")
    publish([published(JAN_2, USD="3.9430")], nbp, job)
    at("2024-01-03 12:00")
    publish([published(JAN_2, sha="b", USD="3.9500")], nbp, job)
    rows = rate_queries.rates(rate_queries.find_currency("USD"), JAN_2, JAN_2)
    days = [
        known_rate.known_from.day
        for text in ("2024-01-02T12:00:00Z", "2024-01-03T12:00:00Z")
        for known_rate in known.as_known(known.known_by(rows, moment(text)), moment(text))
    ]
    assert days == [2, 3]


def test_an_installation_of_before_gets_the_moments_that_it_still_has(
    archive: Source, nbp: Source, archive_job: Job, job: Job, at: At
) -> None:
    """Rows of an earlier release: no reading, and the moment of the bytes that a publication holds now."""
    at("2024-02-01 12:00")
    publish([archived(JAN_3, USD="3.9600"), archived(JAN_2, USD="3.9432")], archive, archive_job)
    runs.finish(archive_job, Job.Status.SUCCESS)
    at("2024-02-03 12:00")
    publish([published(JAN_2, USD="3.9432", EUR="4.3434")], nbp, job)
    ArchiveReading.objects.all().delete()
    Publication.objects.update(first_fetched_at=moment("2026-11-29"))
    import_module("markets.migrations.0018_known").fill(apps, None)
    row = Publication.objects.get()
    assert row.first_fetched_at == row.fetched_at
    assert [figure[1:3] for figure in seen("2024-02-02T12:00:00Z")] == [
        ("3.9432", "nbp_archive"), ("3.9600", "nbp_archive"),
    ]  # fmt: skip
    assert seen("2024-02-02T12:00:00Z", "EUR") == []
    assert seen("2024-01-31T12:00:00Z") == []


def test_the_number_of_statements_does_not_grow_with_the_rows(
    nbp: Source, job: Job, at: At, django_assert_num_queries: Any
) -> None:
    at("2024-02-01 12:00")
    publish([published(date(2024, 1, day), USD="3.9430") for day in range(1, 29)], nbp, job)
    rows = rate_queries.rates(rate_queries.find_currency("USD"), date(2024, 1, 1), date(2024, 1, 31))
    with django_assert_num_queries(3):
        assert (
            len(list(known.as_known(known.known_by(rows, moment("2024-02-01T12:00:00Z")), moment("2024-02-01")))) == 28
        )


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-20T12:00:00Z", "2026-03-20T12:00:00"),
        ("2026-03-20T12:00Z", "2026-03-20T12:00:00"),
        ("2026-03-20T12:00:00+01:00", "2026-03-20T11:00:00"),
        ("2026-03-20T12:00:00 01:00", "2026-03-20T11:00:00"),
        ("2026-03-20", "2026-03-20T22:59:59.999999"),
        ("2026-07-20", "2026-07-20T21:59:59.999999"),
        ("0001-01-01", "0001-01-01T22:35:59.999999"),
    ],
)
def test_a_moment_has_its_zone_and_a_day_ends_in_warsaw(text: str, utc: str) -> None:
    assert as_of_moment(text) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_a_day_begins_in_warsaw_where_a_beginning_is_asked_for() -> None:
    assert since_moment("2026-03-20") == datetime(2026, 3, 19, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2026-03-20T12:00:00", "2026-03-20T12:00", "2026-02-30", "2026-3-20", "20260320T120000Z"),
        *("２０２６-03-20", "2026-03-20T12:00:00Ｚ", "1774008000", "2026-03-20T25:00:00Z", "0001-01-01T00:00:00+01:00"),
        *("2026-03-20T12:00:00Z\n", "2026-W12-5", "2026-03-20 12:00:00Z", "9" * 5000),
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 2026-03-20"):
        as_of_moment(text)


def test_the_future_is_refused_and_today_is_answered_so_far(at: At) -> None:
    at("2026-03-20 12:00")
    assert checked(as_of_moment("2026-03-20")) is not None
    assert checked(as_of_moment("2026-03-20T11:00:00Z")) is not None
    assert checked(None) is None
    for text in ("2026-03-20T11:02:00Z", "2026-03-21", "9999-12-31"):
        with pytest.raises(QuestionError, match="has not come yet"):
            checked(as_of_moment(text))
