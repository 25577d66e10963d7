"""The one writer: insert, take over, revise, refuse, announce."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from markets import clock, events
from markets.instruments.find import find
from markets.jobs import job_leases, runs
from markets.models import Alias, Currency, Instrument, Job, OutboxEvent, Publication, Quote, Rate, Revision, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from tests.news import news

JAN_2, JAN_3, JAN_4 = date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4)


def table(day: date, *figures: tuple[str, str], letter: str = "A", sha: str = "a" * 64, name: str = "") -> Table:
    lines = [RateRecord(code, mid=Decimal(value), name=name) for code, value in figures]
    return Table(letter, day, lines, number=f"001/{letter}/NBP/2024", url="https://nbp.example/", sha256=sha)


def old(day: date, *figures: tuple[str, str], letter: str = "A") -> Table:
    """As the archive hands it over: no number, no proof."""
    return Table(letter, day, [RateRecord(code, mid=Decimal(value)) for code, value in figures])


@pytest.fixture
def archive_job(archive: Source) -> Job:
    return runs.start("nbp_archive.mid", archive, Job.Trigger.COMMAND)


def usd(day: date = JAN_2) -> Rate:
    return Rate.objects.get(instrument__code="USD", effective_date=day, mid__isnull=False)


def test_a_figure_keeps_every_published_digit_and_zero(nbp: Source, job: Job) -> None:
    values = {"USD": "3.9350", "JPY": "0.027900", "IDR": "0.00025526", "XDR": "5.2000", "ZWD": "0.0000000001"}
    publish([table(JAN_2, *values.items())], nbp, job)
    stored = {rate.instrument.code: str(rate.published("mid")) for rate in Rate.objects.select_related("instrument")}
    assert {**stored, "ZWD": f"{Decimal(stored['ZWD']):f}"} == values


def test_a_figure_stands_beside_its_publication(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("USD", "3.9432"))], nbp, job)
    publication = usd().publication
    assert publication is not None
    assert (publication.number, publication.sha256, publication.effective_date) == (
        "001/A/NBP/2024", "a" * 64, JAN_2,
    )  # fmt: skip


def test_saving_the_same_again_writes_nothing(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("USD", "3.9432"))], nbp, job)
    before = (Rate.objects.values().get(), Publication.objects.values().get(), Quote.objects.values().get())
    outcome = publish([table(JAN_2, ("USD", "3.9432"))], nbp, job)
    assert outcome.written == 0
    assert before == (Rate.objects.values().get(), Publication.objects.values().get(), Quote.objects.values().get())
    job.refresh_from_db()
    assert job.rows_written == 1


def test_the_official_figure_takes_the_archives_row_over_in_place(
    archive: Source, nbp: Source, archive_job: Job, job: Job
) -> None:
    publish([old(JAN_2, ("USD", "3.943200"))], archive, archive_job)
    row = usd()
    assert (row.source, row.publication) == (archive, None)
    outcome = publish([table(JAN_2, ("USD", "3.9432"))], nbp, job)
    assert (outcome.inserted, outcome.taken_over, outcome.revised) == (0, 1, 0)
    taken = usd()
    assert taken.pk == row.pk
    assert (taken.source, str(taken.published("mid"))) == (nbp, "3.9432")
    assert taken.publication is not None
    assert not Revision.objects.exists()


def test_the_official_letter_wins_over_the_archives_guess(
    archive: Source, nbp: Source, archive_job: Job, job: Job
) -> None:
    publish([old(JAN_2, ("RUB", "0.0440"), letter="A")], archive, archive_job)
    publish([table(JAN_2, ("RUB", "0.0440"), letter="B")], nbp, job)
    assert [(rate.table, rate.source.code) for rate in Rate.objects.all()] == [("B", "nbp")]


def test_a_different_official_figure_leaves_a_revision(
    archive: Source, nbp: Source, archive_job: Job, job: Job
) -> None:
    publish([old(JAN_2, ("USD", "3.9000"))], archive, archive_job)
    assert publish([table(JAN_2, ("USD", "3.9432"))], nbp, job).revised == 1
    revision = Revision.objects.get()
    assert (revision.old_source, revision.new_source) == (archive, nbp)
    assert (revision.old_mid, revision.new_mid) == (Decimal("3.9000"), Decimal("3.9432"))
    assert (revision.old_sha256, revision.new_sha256) == ("", "a" * 64)


def test_a_corrected_table_keeps_both_values_and_both_proofs(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("USD", "3.9432"), ("EUR", "4.3434"))], nbp, job)
    outcome = publish([table(JAN_2, ("USD", "3.9433"), ("EUR", "4.3434"), sha="b" * 64)], nbp, job)
    assert (outcome.revised, outcome.written) == (1, 1)
    revision = Revision.objects.get()
    assert (revision.old_mid, revision.new_mid) == (Decimal("3.9432"), Decimal("3.9433"))
    assert (revision.old_sha256, revision.new_sha256) == ("a" * 64, "b" * 64)
    assert Publication.objects.get().sha256 == "b" * 64
    assert Quote.objects.get(instrument__code="USD").price == Decimal("3.9433")
    job.refresh_from_db()
    assert (job.revised, job.rows_written) == (1, 3)


def test_the_archive_never_touches_an_official_row(archive: Source, nbp: Source, archive_job: Job, job: Job) -> None:
    publish([table(JAN_2, ("USD", "3.9432"))], nbp, job)
    outcome = publish([old(JAN_2, ("USD", "1.0000")), old(JAN_3, ("USD", "3.9500"))], archive, archive_job)
    assert (outcome.inserted, outcome.written) == (1, 1)
    assert (usd().source, usd().mid) == (nbp, Decimal("3.9432"))
    assert usd(JAN_3).source == archive


def test_the_archive_meets_an_official_row_under_another_letter(
    archive: Source, nbp: Source, archive_job: Job, job: Job
) -> None:
    publish([table(JAN_2, ("RUB", "0.0440"), letter="B")], nbp, job)
    assert publish([old(JAN_2, ("RUB", "0.0440"), letter="A")], archive, archive_job).written == 0


def test_table_c_stands_beside_table_a(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("USD", "3.9432"))], nbp, job)
    line = RateRecord("USD", bid=Decimal("3.8938"), ask=Decimal("3.9724"))
    publish(
        [Table("C", JAN_2, [line], "001/C/NBP/2024", date(2023, 12, 29), "https://nbp.example/", "c" * 64)], nbp, job
    )
    row = Rate.objects.get(table="C")
    assert (row.mid, str(row.published("bid")), str(row.published("ask"))) == (None, "3.8938", "3.9724")
    assert row.publication is not None
    assert row.publication.trading_date == date(2023, 12, 29)
    assert Quote.objects.get().price == Decimal("3.9432")


def test_gold_is_a_metal_in_grams(nbp: Source, job: Job) -> None:
    price = Table(
        "gold", JAN_2, [RateRecord("XAU", mid=Decimal("260.09"))], "", None, "https://nbp.example/", "d" * 64, "metal"
    )
    publish([price], nbp, job)
    gold = Instrument.objects.get(code="XAU")
    assert (gold.kind, gold.unit, gold.name_pl) == ("metal", "g", "złoto")
    assert set(gold.aliases.values_list("name", flat=True)) == {"GOLD", "ZLOTO", "XAU/PLN", "XAUPLN"}
    assert news().get().kind == "gold"


def test_refusal_is_per_figure_and_named_in_the_job(nbp: Source, job: Job) -> None:
    outcome = publish([table(JAN_2, ("USD", "3.9432"), ("ZWR", "0.00000000"), ("EUR", "-4.3434"))], nbp, job)
    assert outcome.inserted == 1
    job.refresh_from_db()
    assert job.refused == 2
    assert job.notes == [
        "refused: A 2024-01-02 ZWR: 0.00000000: not above zero",
        "refused: A 2024-01-02 EUR: -4.3434: not above zero",
        "new codes: USD",
    ]


def test_a_code_twice_is_one_figure_when_equal_and_none_when_different(nbp: Source, job: Job) -> None:
    publish(
        [table(JAN_2, ("USD", "3.94"), ("USD", "3.94"), ("EUR", "4.34"), ("EUR", "4.35"), ("CHF", "4.66"))], nbp, job
    )
    assert set(Rate.objects.values_list("instrument__code", flat=True)) == {"USD", "CHF"}


def test_a_table_dated_tomorrow_is_refused_whole(nbp: Source, job: Job, at) -> None:
    at("2024-01-02 12:00")
    outcome = publish([table(JAN_2, ("USD", "3.9432")), table(JAN_3, ("USD", "3.95"), ("EUR", "4.4"))], nbp, job)
    assert (outcome.inserted, len(outcome.refused)) == (1, 2)
    assert not Publication.objects.filter(effective_date=JAN_3).exists()


def test_an_unknown_code_becomes_an_instrument_with_a_name_and_spellings(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("USD", "3.9432"), ("QQQ", "1.5"))], nbp, job)
    dollar, unknown = Instrument.objects.get(code="USD"), Instrument.objects.get(code="QQQ")
    assert (dollar.name_pl, dollar.name_en, dollar.kind) == ("dolar amerykański", "US Dollar", "currency")
    assert (unknown.name_pl, unknown.name_en) == ("QQQ", "QQQ")
    assert find("usd/pln") == find(" USDPLN ") == find("usd") == dollar
    assert Alias.objects.filter(instrument=unknown).count() == 2


def test_the_banks_own_name_replaces_the_one_from_cldr_and_an_older_table_does_not(nbp: Source, job: Job) -> None:
    publish([table(JAN_3, ("THB", "0.1146"), name="bat (Tajlandia)")], nbp, job)
    assert Instrument.objects.get(code="THB").name_pl == "bat (Tajlandia)"
    publish([table(JAN_2, ("THB", "0.1150"), name="baht")], nbp, job)
    assert Instrument.objects.get(code="THB").name_pl == "bat (Tajlandia)"
    publish([table(JAN_4, ("THB", "0.1151"), name="bat")], nbp, job)
    assert Instrument.objects.get(code="THB").name_pl == "bat"


def test_a_name_or_a_number_longer_than_its_column_breaks_nothing(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("THB", "0.1146"), name="b" * 500)], nbp, job)
    assert Instrument.objects.get(code="THB").name_pl == "b" * 120
    assert publish([table(JAN_2, ("THB", "0.1146"), name="b" * 500)], nbp, job).written == 0
    long = Table("A", JAN_3, [RateRecord("THB", mid=Decimal("0.1150"))], "9" * 41, None, "https://x/", "e" * 64)
    assert publish([long], nbp, job).refused == ["A 2024-01-03 THB: its number has more than 40 characters"]


def test_a_nul_which_only_one_database_would_take_is_in_neither(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("THB", "0.1146"), name="ba\0t")], nbp, job)
    assert Instrument.objects.get(code="THB").name_pl == "bat"
    numbered = Table("A", JAN_3, [RateRecord("THB", mid=Decimal("0.1150"))], "1/A\0", None, "https://x/", "e" * 64)
    assert publish([numbered], nbp, job).refused == ["A 2024-01-03 THB: its number has a NUL"]


def test_the_quote_holds_the_newest_and_the_previous_mid(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("USD", "3.9432")), table(JAN_4, ("USD", "3.9850"))], nbp, job)
    quote = Quote.objects.get()
    assert (quote.price, quote.effective_date) == (Decimal("3.9850"), JAN_4)
    assert (quote.previous, quote.previous_date, quote.scale) == (Decimal("3.9432"), JAN_2, 4)
    publish([table(JAN_3, ("USD", "3.9684"))], nbp, job)
    quote.refresh_from_db()
    assert (quote.price, quote.previous, quote.previous_date) == (Decimal("3.9850"), Decimal("3.9684"), JAN_3)


def test_an_older_window_leaves_the_quote_alone(nbp: Source, job: Job) -> None:
    publish([table(JAN_3, ("USD", "3.9684")), table(JAN_4, ("USD", "3.9850"))], nbp, job)
    observed = Quote.objects.get().observed_at
    publish([table(JAN_2, ("USD", "3.9432"))], nbp, job)
    quote = Quote.objects.get()
    assert (quote.previous_date, quote.observed_at) == (JAN_3, observed)


def test_one_quote_for_the_bank_and_its_archive(archive: Source, nbp: Source, archive_job: Job, job: Job) -> None:
    publish([old(JAN_2, ("USD", "3.9432")), old(JAN_3, ("USD", "3.9684"))], archive, archive_job)
    publish([table(JAN_2, ("USD", "3.9432"))], nbp, job)
    assert [(quote.source.code, quote.effective_date) for quote in Quote.objects.all()] == [("nbp_archive", JAN_3)]
    publish([table(JAN_3, ("USD", "3.9684"))], nbp, job)
    quote = Quote.objects.get()
    assert (quote.source.code, quote.price, quote.previous) == ("nbp", Decimal("3.9684"), Decimal("3.9432"))


def test_one_open_row_of_the_outbox_an_instrument_kind_and_consumer_is_widened(nbp: Source, job: Job) -> None:
    publish([table(JAN_3, ("USD", "3.9684"))], nbp, job)
    publish([table(JAN_2, ("USD", "3.9432")), table(JAN_4, ("USD", "3.9850"))], nbp, job)
    rows = OutboxEvent.objects.order_by("consumer")
    assert [(row.consumer, row.kind, row.rows, row.job) for row in rows] == [
        ("alerts", "rate", 3, job), ("engine", "rate", 3, job),
    ]  # fmt: skip
    assert {(row.from_time.date(), row.to_time.date()) for row in rows} == {(JAN_2, JAN_4)}


@pytest.mark.parametrize("left_alone", [{"claimed_until": clock.now()}, {"processed": clock.now()}])
def test_a_claimed_or_processed_row_is_left_alone_and_a_new_one_begins(
    nbp: Source, job: Job, left_alone: dict[str, Any]
) -> None:
    publish([table(JAN_3, ("USD", "3.9684"))], nbp, job)
    news().update(**left_alone, tries=2, error="x")
    publish([table(JAN_4, ("USD", "3.9850"))], nbp, job)
    old, new = news().order_by("pk")
    assert (old.to_time.date(), old.rows, old.tries) == (JAN_3, 1, 2)
    assert (new.from_time.date(), new.rows, new.tries, new.processed, new.claimed_until) == (JAN_4, 1, 0, None, None)


def test_a_job_that_was_given_up_writes_nothing_more(nbp: Source, job: Job) -> None:
    Job.objects.update(status=Job.Status.FAILED)
    with pytest.raises(job_leases.LeaseLost):
        publish([table(JAN_2, ("USD", "3.9432"))], nbp, job)
    assert not Rate.objects.exists()
    assert not Currency.objects.exists()


def test_the_signal_is_sent_inside_the_transaction(nbp: Source, job: Job) -> None:
    def break_off(**kwargs: object) -> None:
        assert Rate.objects.exists()
        raise RuntimeError("listener")

    events.ingested.connect(break_off)
    try:
        with pytest.raises(RuntimeError, match="listener"):
            publish([table(JAN_2, ("USD", "3.9432"))], nbp, job)
    finally:
        events.ingested.disconnect(break_off)
    assert not Rate.objects.exists()


def test_the_database_itself_refuses_a_second_figure_and_a_figure_of_zero(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("USD", "3.9432"))], nbp, job)
    row = usd()
    for change in ({"pk": None}, {"mid": Decimal(0)}, {"mid": None}, {"mid": None, "bid": 2, "ask": 1}):
        copy = Rate(**{**Rate.objects.filter(pk=row.pk).values().get(), "id": None, **change})
        if "mid" in change:
            copy.effective_date = JAN_4
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.save(force_insert=True)


def test_the_canonical_mid_of_a_day_is_table_a_before_b(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("CLP", "0.0045"), letter="B")], nbp, job)
    publish([table(JAN_3, ("CLP", "0.0046"), letter="B")], nbp, job)
    publish([table(JAN_3, ("CLP", "0.0047"), letter="A")], nbp, job)
    series = Rate.objects.canonical().between(JAN_2, JAN_4)
    assert [(rate.effective_date, rate.table) for rate in series] == [(JAN_2, "B"), (JAN_3, "A")]
    before = Rate.objects.canonical().strictly_before(JAN_3).first()
    assert before is not None
    assert before.effective_date == JAN_2


def test_a_figure_that_the_table_published_again_leaves_out_loses_its_proof_and_is_told(nbp: Source, job: Job) -> None:
    publish([table(JAN_2, ("USD", "3.9432"), ("EUR", "4.3434"))], nbp, job)
    outcome = publish([table(JAN_2, ("EUR", "4.3434"), sha="b" * 64)], nbp, job)
    assert outcome.left_out == ["A 2024-01-02 USD"]
    assert (usd().publication, usd().mid) == (None, Decimal("3.9432"))
    revision = Revision.objects.get()
    assert (revision.old_mid, revision.new_mid, revision.old_sha256) == (Decimal("3.9432"), None, "a" * 64)
    job.refresh_from_db()
    assert job.notes[-1] == "left out of the table published again: A 2024-01-02 USD"
    assert publish([table(JAN_2, ("EUR", "4.3434"), sha="b" * 64)], nbp, job).written == 0


@pytest.mark.parametrize("broken", [{"fault": "null is no number"}, {"mid": Decimal(0)}, {"mid": Decimal("1E-30")}])
def test_a_figure_that_is_refused_in_a_table_published_again_was_not_withdrawn(
    nbp: Source, job: Job, broken: dict[str, Any]
) -> None:
    publish([table(JAN_2, ("USD", "3.9432"), ("EUR", "4.3434"))], nbp, job)
    again = table(JAN_2, ("EUR", "4.3434"), sha="b" * 64)
    again.rates.append(RateRecord("USD", **broken))
    outcome = publish([again], nbp, job)
    healthy = publish([table(JAN_2, ("USD", "3.9432"), ("EUR", "4.3434"))], nbp, job)
    assert (len(outcome.refused), outcome.left_out, healthy.revised) == (1, [], 0)
    assert usd().publication is not None
    assert not Revision.objects.exists()
