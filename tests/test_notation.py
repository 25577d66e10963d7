"""Notation is not value: 366.90 and 366.9 are one figure, shown with every digit that its source ever gave it."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import FloatField, Value
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from markets.jobs import runs
from markets.models import Job, Publication, Quote, Rate, Revision, Source
from markets.records import RateRecord, Table
from markets.store.publish import PublishResult, publish
from tests.news import news

pytestmark = pytest.mark.django_db
DAY, BEFORE = date(2018, 6, 11), date(2018, 6, 8)


@pytest.fixture
def ecb(nbp: Source) -> Source:
    return Source.objects.get(code="ecb")


def file(digits: str, code: str = "EURHUF", sha: str = "a", letter: str = "eurofxref", day: date = DAY) -> Table:
    kind = {"eurofxref": "pair", "gold": "metal"}.get(letter, "currency")
    return Table(letter, day, [RateRecord(code, mid=Decimal(digits))], sha256=sha * 64, kind=kind)


def both(bid: str, ask: str, sha: str = "a") -> Table:
    return Table("C", DAY, [RateRecord("USD", bid=Decimal(bid), ask=Decimal(ask))], number="111/C", sha256=sha * 64)


def save(source: Source, *tables: Table) -> list[PublishResult]:
    job = Job.objects.filter(source=source, status="running").first()
    job = job or runs.start(f"{source.code}.x", source, Job.Trigger.COMMAND)
    return [publish([table], source, job) for table in tables]


def shown() -> tuple[str, ...]:
    rate = Rate.objects.get(effective_date=DAY)
    return tuple(f"{value:f}" for value in map(rate.published, ("mid", "bid", "ask")) if value is not None)


def rows() -> list[Any]:
    """What stands in the tables, the ids and the bytes that were read last left out."""
    rates = Rate.objects.order_by("effective_date", "instrument__code", "table")
    return [
        *rates.values_list("instrument__code", "source__code", "table", "effective_date", "mid", "bid", "ask", "scale"),
        *Quote.objects.order_by("instrument__code").values_list("price", "scale", "previous", "previous_scale"),
    ]


def test_padded_and_stripped_files_of_the_ecb_are_no_corrections_of_each_other(ecb: Source) -> None:
    files = [file("366.90", sha="a"), file("366.9", sha="b"), file("366.90", sha="a"), file("366.9", sha="c")]
    assert [outcome.revised for outcome in save(ecb, *files)] == [0, 0, 0, 0]
    assert (shown(), Revision.objects.count()) == (("366.90",), 0)


# As they stand in the ECB's files, in tables A, B and C of the NBP, in its prices of gold and in its archive.
NOTATIONS = [
    ("eurofxref", "EURGBP", ["0.88180", "0.8818", "0.881800"]),
    ("eurofxref", "EURJPY", ["129.00", "129.0", "129"]),
    ("eurofxref", "EURUSD", ["1.1790", "1.179", "1.17900"]),
    ("eurofxref", "EURIDR", ["16390", "16390.00", "1.6390E+4"]),
    ("A", "USD", ["3.6300", "3.63", "3.63000"]),
    ("A", "HUF", ["0.013300", "0.0133", "1.33E-2"]),
    ("A", "JPY", ["0.033", "0.0330", "0.03300"]),
    ("B", "IDR", ["0.00026", "0.0002600", "2.6E-4"]),
    ("B", "VES", ["9.5E-7", "0.00000095", "0.0000009500"]),
    # SQLite 3.40 reads these with a wrong last bit.
    ("B", "NGN", ["0.002877", "0.0028770", "2.877E-3"]),
    ("A", "EUR", ["7.517096", "7.5170960"]),
    ("gold", "XAU", ["152.10", "152.1", "152.100"]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("letter", "code", "digits"), NOTATIONS)
def test_the_digits_do_not_depend_on_which_file_came_first(
    nbp: Source, ecb: Source, letter: str, code: str, digits: list[str]
) -> None:
    source, found = ecb if letter == "eurofxref" else nbp, []
    for order in permutations(enumerate(digits)):
        Rate.objects.all().delete()
        Quote.objects.all().delete()
        Publication.objects.all().delete()
        files = [file(text, code, "abc"[number], letter) for number, text in order]
        before = file("2", code, "d", letter, BEFORE)
        assert sum(outcome.revised for outcome in save(source, before, *files)) == 0
        found.append(rows())
    assert all(row == found[0] for row in found)
    assert shown() == (max((f"{Decimal(text):f}" for text in digits), key=len),)
    assert not Revision.objects.exists()


@pytest.mark.slow
def test_bid_and_ask_keep_the_longest_notation_of_either(nbp: Source) -> None:
    files = both("3.59", "3.6652", "a"), both("3.5900", "3.6652", "b"), both("3.590", "3.66520", "c")
    for order in permutations(files):
        Rate.objects.all().delete()
        Publication.objects.all().delete()
        assert sum(outcome.revised for outcome in save(nbp, *order)) == 0
        assert shown() == ("3.59000", "3.66520")


@pytest.mark.parametrize("official_first", [True, False])
@pytest.mark.parametrize("archived", ["3.630000", "3.63", "3.6"])
def test_the_official_notation_wins_over_the_archives(
    nbp: Source, archive: Source, archived: str, official_first: bool
) -> None:
    value = "3.6" if archived == "3.6" else "3.63"
    stand_in = Table("A", DAY, [RateRecord("USD", mid=Decimal(archived))])
    official = file(f"{value:0<6}", "USD", letter="A")
    for source, table in ((nbp, official), (archive, stand_in))[:: 1 if official_first else -1]:
        save(source, table)
    assert (shown(), Revision.objects.count()) == ((f"{value:0<6}",), 0)
    assert Quote.objects.get().scale == 4


@pytest.mark.slow
@given(st.lists(st.sampled_from([0, 1, 2, 3, 4]), min_size=1, max_size=5), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_archives_and_official_files_leaves_the_same_rows(
    nbp: Source, archive: Source, padding: list[int], random: Any
) -> None:
    parts = [(nbp, file(f"3.63{'0' * zeros}", "USD", "abcde"[zeros], "A")) for zeros in padding]
    parts += [(archive, Table("A", DAY, [RateRecord("USD", mid=Decimal("3.63" + "0" * zeros))])) for zeros in (1, 6)]
    found = []
    for _ in range(2):
        random.shuffle(parts)
        Rate.objects.all().delete()
        Quote.objects.all().delete()
        Publication.objects.all().delete()
        for source, table in parts:
            save(source, table)
        found.append(rows())
    assert found[0] == found[1]
    assert shown() == ("3.63" + "0" * max(padding),)
    assert not Revision.objects.exists()


def test_more_digits_are_written_once_and_announce_nothing_to_the_engine(nbp: Source) -> None:
    short, long = file("3.63", "USD", "a", "A"), file("3.6300", "USD", "a", "A")
    save(nbp, short)
    news().delete()
    assert [outcome.written for outcome in save(nbp, long, long, short)] == [1, 0, 0]
    assert not news().exists()
    assert Quote.objects.get().scale == 4


def test_another_value_is_a_correction_with_the_digits_of_that_value(ecb: Source) -> None:
    [_, outcome] = save(ecb, file("366.90"), file("367.1", sha="b"))
    assert outcome.revised == 1
    assert (shown(), Revision.objects.get().old_scale) == (("367.1",), 2)


def test_admin_lists_no_revision_of_the_notation(ecb: Source, admin_client: Client) -> None:
    save(ecb, file("366.90"), file("367.1", sha="b"))
    kept = Revision.objects.get()
    kept.pk, kept.notation = None, True
    kept.save()
    page = admin_client.get("/admin/markets/revision/")
    assert (page.context["cl"].result_count, Revision.objects.count()) == (1, 2)


# The upgrade


@pytest.fixture
def before_0013(transactional_db: None, at: Callable[[str], None]) -> Iterator[Any]:
    at("2026-11-20 13:00")
    executor = MigrationExecutor(connection)
    [parent] = executor.loader.graph.node_map["markets", "0013_notation_revisions"].parents
    executor.migrate([parent.key])
    try:
        yield executor.loader.project_state([parent.key]).apps
    finally:
        call_command("migrate", verbosity=0)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_revisions_of_the_notation_that_there_are_are_marked_and_their_figures_get_their_digits(
    before_0013: Any,
) -> None:
    model = lambda name: before_0013.get_model("markets", name).objects  # noqa: E731  as short as it is read
    when = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
    ecb = model("Source").create(code="ecb_before", name="EBC", unit="EUR", polling_interval=3600)
    job = model("Job").create(job_type="ecb", source=ecb, status="success", started_at=when, revised=3)
    code = {
        name: model("Instrument").create(code=name, kind="pair") for name in ("EURHUF", "EURUSD", "EURGBP", "EURXAU")
    }
    kept = {}
    for name, old, new, scales in (
        ("EURHUF", "366.90", "366.9", (2, 1)),
        ("EURUSD", "1.1790", "1.18", (4, 2)),
        ("EURGBP", "0.8818", None, (4, 4)),
        ("EURXAU", "0.002877", "0.002877", (6, 6)),
    ):
        rate = model("Rate").create(
            instrument=code[name], source=ecb, table="eurofxref", effective_date=DAY, mid=new or old, scale=scales[1]
        )
        model("Quote").create(instrument=code[name], source=ecb, table="eurofxref", effective_date=DAY,
                              observed_at=when, price=new or old, scale=scales[1])  # fmt: skip
        kept[name] = model("Revision").create(
            rate=rate, old_source=ecb, new_source=ecb, seen_at=when, job=job, old_mid=old, new_mid=new,
            old_scale=scales[0], new_scale=scales[1],
        ).pk  # fmt: skip
    model("Revision").filter(pk=kept["EURXAU"]).update(old_mid=Value(0.0028770000000000002, FloatField()))
    call_command("migrate", verbosity=0)
    marked = {name: Revision.objects.get(pk=pk).notation for name, pk in kept.items()}
    assert marked == {"EURHUF": True, "EURUSD": False, "EURGBP": False, "EURXAU": True}
    assert [Rate.objects.get(instrument__code=name).scale for name in kept] == [2, 2, 4, 6]
    assert [Quote.objects.get(instrument__code=name).scale for name in kept] == [2, 2, 4, 6]
    assert Job.objects.get(pk=job.pk).revised == 1
