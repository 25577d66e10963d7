"""What a provider can do wrong: the job says it, the good stays, the next run heals, and the process lives."""

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from markets.models import Gap, Instrument, Job, Publication, Rate, Source
from miner import tasks
from miner.providers.nbp import NBP
from tests.replica import Replica, data

pytestmark = pytest.mark.django_db

# The figure that the tests spoil: no other of October 2026 reads the same.
DAY, MID = date(2026, 10, 26), "3.9293"
USD = f'"code":"USD","mid":{MID}'
Fault = dict[str, Any]
Figures = list[tuple[date, str, str]]


@pytest.fixture
def october(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> None:
    """Table A as if it had begun in October 2026, in one window; the clock stands at the end of its figures."""
    at("2026-10-26 13:00")
    monkeypatch.setattr(NBP, "series", (replace(NBP.series[0], first=date(2026, 10, 1)),))


@pytest.fixture
def four_windows(october: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in windows from the 1st, 7th, 14th and 20th."""
    monkeypatch.setattr(NBP, "series", (replace(NBP.series[0], window=7),))


def bank(start: date = date(2026, 10, 1), end: date = DAY) -> Figures:
    """Table A as the replica publishes it."""
    tables = [table for day, table in data.tables("A", 2026).items() if start <= day <= end]
    return sorted((table.day, code, figures[0]) for table in tables for code, figures in table.rates.items())


def stored() -> Figures:
    """Every row of the tables; one that is there twice would be seen."""
    rows = Rate.objects.filter(table="A").select_related("instrument")
    return sorted((row.effective_date, row.instrument.code, str(row.published("mid"))) for row in rows)


def newest() -> Job:
    return Job.objects.order_by("-pk")[0]


def ended() -> tuple[str, str]:
    job = newest()
    assert job.finished_at is not None
    assert job.lease_until is None
    return job.status, job.reason


# The requests: of the window (tried four times where that may help), of its halves, of a week to see who is at fault.
FOR_EVER: dict[str, tuple[Fault, str, int, str]] = {
    "cut in half": ({"cut": "half"}, "unreachable", 7, "RemoteProtocolError"),
    "closed without an answer": ({"drop": True}, "unreachable", 7, "RemoteProtocolError"),
    "429": ({"status": 429}, "unreachable", 4, "HTTP 429"),
    "429 for an hour": ({"status": 429, "headers": {"Retry-After": "3600"}}, "unreachable", 1, "HTTP 429"),
    "408": ({"status": 408}, "unreachable", 7, "HTTP 408"),
    "500": ({"status": 500}, "unreachable", 7, "HTTP 500"),
    "503": ({"status": 503}, "unreachable", 7, "HTTP 503"),
    "302": ({"status": 302, "headers": {"Location": "/elsewhere"}}, "refused", 4, "HTTP 302"),
    "400": ({"status": 400, "body": "Limit of 93 days has been exceeded"}, "refused", 4, "HTTP 400"),
    "403": ({"status": 403, "body": "blocked"}, "refused", 4, "HTTP 403"),
    "another 404": ({"status": 404, "body": "404 NotFound"}, "refused", 4, "HTTP 404"),
    "HTML": ({"rubbish": "html"}, "unreadable", 4, "not the answer that was agreed"),
    "bytes": ({"rubbish": "bytes"}, "unreadable", 4, "not the answer that was agreed"),
    "half of the JSON": ({"rubbish": "truncated-json"}, "unreadable", 4, "not the answer that was agreed"),
    "nothing at all": ({"status": 200, "body": ""}, "unreadable", 4, "not the answer that was agreed"),
    "another table": ({"replace": ['"table":"A"', '"table":"B"']}, "unreadable", 4, "asked for table A, got B"),
    "silence": (
        {"status": 404, "body": "404 NotFound - Not Found - Brak danych"},
        "expected_data",
        1,
        "nothing published from 2026-10-01 to 2026-10-26",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "reason", "requests", "text"), FOR_EVER.values(), ids=FOR_EVER.keys())
def test_an_answer_that_stays_wrong_fails_the_job_stores_nothing_and_heals_in_the_next_run(
    nbp: Source, replica: Replica, october: None, fault: Fault, reason: str, requests: int, text: str
) -> None:
    replica.set_script([fault])
    assert tasks.mine("nbp") == "failed"
    job = newest()
    assert ended() == ("failed", reason)
    assert (job.requests, job.retries, job.rows_written) == (
        requests,
        3 if reason == "unreachable" and requests > 1 else 0,
        0,
    )
    assert text in job.error
    assert stored() == []

    replica.set_script([])
    assert tasks.mine("nbp") == "done"
    assert ended() == ("success", "")
    assert stored() == bank()


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        {"cut": "half"},
        {"drop": True},
        {"status": 429},
        {"status": 429, "headers": {"Retry-After": "7"}},
        {"status": 500},
    ],
    ids=str,
)
def test_a_fault_that_passes_costs_one_more_request(nbp: Source, replica: Replica, october: None, fault: Fault) -> None:
    replica.set_script([{"at": 1} | fault])
    assert tasks.mine("nbp") == "done"
    assert (newest().status, newest().requests, newest().retries) == ("success", 2, 1)
    assert stored() == bank()


@pytest.mark.slow
@pytest.mark.parametrize("fault", [{"status": 400}, {"rubbish": "html"}, {"status": 500}, {"cut": "half"}], ids=str)
def test_a_fault_in_the_middle_costs_that_day_alone_and_a_later_run_asks_for_it(
    nbp: Source, replica: Replica, four_windows: None, at: Callable[[str], None], fault: Fault
) -> None:
    replica.set_script([{"path": "/2026-10-14/"} | fault])
    assert tasks.mine("nbp") == "failed"
    job, lost = newest(), date(2026, 10, 14)
    assert (job.windows_done, job.windows) == (8, 8), "four windows, and twice both halves of one"
    assert stored() == [row for row in bank() if row[0] != lost]
    assert job.rows_written == len(stored())
    gap = Gap.objects.get()
    assert (gap.from_time.date(), gap.to_time.date(), gap.tries) == (lost, lost, 1)

    replica.set_script([])
    before = len(replica.requests)
    at("2026-10-26 13:59")
    assert tasks.mine("nbp") == "done"
    assert [target.split("/")[5:7] for target in replica.requests[before:]] == [["2026-10-14", "2026-10-14"]]
    assert stored() == bank()


def test_a_refused_connection_is_unreachable_and_heals(
    nbp: Source, replica: Replica, october: None, outgoing: set[tuple[str, int]], settings: Any
) -> None:
    right = settings.NBP_BASE_URL
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        outgoing.add(nobody_listens.getsockname())
        settings.NBP_BASE_URL = f"http://127.0.0.1:{nobody_listens.getsockname()[1]}/api/"
        assert tasks.mine("nbp") == "failed"
    assert ended() == ("failed", "unreachable")
    assert newest().error.endswith("/2026-10-26/: ConnectError: [Errno 111] Connection refused")
    settings.NBP_BASE_URL = right
    assert tasks.mine("nbp") == "done"
    assert stored() == bank()


def test_a_name_that_is_not_found_is_unreachable(
    nbp: Source, october: None, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    settings.NBP_BASE_URL = "https://bank.invalid/api/"
    assert tasks.mine("nbp") == "failed"
    assert ended() == ("failed", "unreachable")
    assert newest().error == (
        "Unreachable: GET /api/exchangerates/tables/A/2026-10-01/2026-10-26/: "
        f"ConnectError: [Errno {socket.EAI_NONAME}] Name or service not known"
    )


BAD_FIGURES = {
    "text": (f'"{MID}"', f'"{MID}" is not a number'),
    "null": ("null", "null is not a number"),
    "true": ("true", "true is not a number"),
    "negative": (f"-{MID}", f"-{MID}: not above zero"),
    "zero": ("0.0000", "0.0000: not above zero"),
    "too precise": ("3.92930000001", "3.92930000001: more than 10 decimals"),
    "too long": ("123456789.1234567", "123456789.1234567: more than 15 digits"),
    "too large": ("1e10", "10000000000: too large"),
    "endless": ("1e999999999", "1E+999999999: too large"),
    "twice, different": (f'{MID}}},{{"code":"USD","mid":3.9294', "twice in one table with different values"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("written", "reason"), BAD_FIGURES.values(), ids=BAD_FIGURES.keys())
def test_a_bad_figure_is_refused_alone_and_named(
    nbp: Source, replica: Replica, october: None, written: str, reason: str
) -> None:
    replica.set_script([{"replace": [USD, f'"code":"USD","mid":{written}']}])
    assert tasks.mine("nbp") == "done"
    job = newest()
    assert (job.status, job.refused) == ("success", 1)
    assert job.notes[0] == f"refused: A 2026-10-26 USD: {reason}"
    assert stored() == [row for row in bank() if row != (DAY, "USD", MID)]
    assert Publication.objects.filter(effective_date=DAY).exists()


def test_a_figure_without_its_key_is_refused_alone(nbp: Source, replica: Replica, october: None) -> None:
    replica.set_script([{"replace": [USD, '"code":"USD"']}])
    assert tasks.mine("nbp") == "done"
    assert (newest().status, newest().refused) == ("success", 1)
    assert "A 2026-10-26 USD" in newest().notes[0]
    assert stored() == [row for row in bank() if row != (DAY, "USD", MID)]


@pytest.mark.slow
def test_a_day_that_nobody_asked_for_is_refused_alone(nbp: Source, replica: Replica, october: None) -> None:
    replica.set_script([{"replace": [f'{DAY}","rates', '2031-01-02","rates']}])
    assert tasks.mine("nbp") == "done"
    assert newest().status == "success"
    assert "2031-01-02" in newest().notes[0]
    assert stored() == [row for row in bank() if row[0] != DAY]


def test_a_code_that_is_none_is_refused_and_becomes_no_instrument(nbp: Source, replica: Replica, october: None) -> None:
    replica.set_script([{"replace": [USD, f'"code":"dolar","mid":{MID}']}])
    assert tasks.mine("nbp") == "done"
    assert newest().notes[0] == "refused: A 2026-10-26 dolar: the code is not three capital letters"
    assert not Instrument.objects.filter(code="dolar").exists()


def test_a_code_twice_with_equal_values_is_one(nbp: Source, replica: Replica, october: None) -> None:
    replica.set_script([{"replace": [USD, f'{USD}}},{{"code":"USD","mid":{MID}00']}])
    assert tasks.mine("nbp") == "done"
    assert newest().refused == 0
    assert stored() == bank()


@pytest.mark.slow
def test_an_unknown_code_becomes_an_instrument_and_is_reported(nbp: Source, replica: Replica, october: None) -> None:
    replica.withhold("A", DAY)
    tasks.mine("nbp")
    replica.publish("A", DAY)
    replica.set_script([{"replace": [USD, f'"code":"QQQ","mid":{MID}']}])
    assert tasks.mine("nbp") == "done"
    assert newest().notes == ["new codes: QQQ"]
    assert Instrument.objects.get(code="QQQ").name_pl == "dolar amerykański"
    assert (DAY, "QQQ", MID) in stored()


def test_a_table_full_of_bad_figures_stores_nothing_of_it_and_names_what_was_refused(
    nbp: Source, replica: Replica, october: None
) -> None:
    replica.set_script([{"replace": ['"mid":', '"mid":-']}])
    assert tasks.mine("nbp") == "failed"
    job = newest()
    assert (job.status, job.reason) == ("failed", "figures_refused")
    assert (job.rows_written, job.refused) == (0, len(bank()))
    assert len(job.notes) == 200
    assert not Publication.objects.exists()


@pytest.mark.slow
def test_before_todays_table_is_out_a_run_is_skipped_and_repeats_are_one_row(
    nbp: Source, replica: Replica, october: None, at: Callable[[str], None]
) -> None:
    replica.withhold("A", DAY)
    tasks.mine("nbp")
    for minute in (45, 55):
        at(f"2026-10-26 11:{minute}")
        assert tasks.poll("nbp", "A") == "done"
        assert ended() == ("skipped", "not_yet")
    assert (Job.objects.count(), newest().repeats) == (2, 1)
    replica.publish("A", DAY)
    at("2026-10-26 12:05")
    assert tasks.poll("nbp", "A") == "done"
    assert (newest().status, newest().rows_written) == ("success", len(bank(start=DAY)))
    assert stored() == bank()
    assert tasks.poll("nbp", "A") == "in"


def test_no_address_of_an_operator_is_told_and_of_an_answer_no_secret(
    nbp: Source, replica: Replica, october: None, settings: Any
) -> None:
    settings.NBP_BASE_URL = replica.url.replace("://", "://me:hidden@")
    replica.set_script([{"status": 403, "body": "token=hidden"}])
    assert tasks.mine("nbp") == "failed"
    assert "hidden" not in newest().error
    assert newest().error == "Refused: GET /api/exchangerates/tables/A/2026-10-01/2026-10-26/: HTTP 403: token=***"
