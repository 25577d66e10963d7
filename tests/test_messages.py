"""Jobs, notes and problems say a code with parameters, and each page says it in its language."""

import ast
import pickle
import string
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from markets import messages, problems
from markets.jobs import hourly, job_leases, job_results, runs
from markets.message_texts import REASONS, TEXTS
from markets.messages import Message
from markets.models import Instrument, Job, Listing, Problem, Source
from markets.network.allowed_urls import Fault
from markets.queries import jobs
from miner.batch import queue as batch_queue
from miner.collect import sync_status
from miner.fetch.errors import Unreachable
from miner.models import Poll, SyncStatus
from miner.pulse import results
from tests.test_catalog import FACT
from tests.texts import python_files

LATE = Message("no_answer", place="/rates/A")


def nbp() -> Source:
    return Source.objects.get_or_create(code="nbp", defaults={"name": "NBP"})[0]


def names(english: str) -> set[str]:
    return {name for _text, name, _spec, _how in string.Formatter().parse(english) if name}


def in_polish(message: str) -> str:
    with translation.override("pl"):
        return messages.render(message).replace("\u00a0", " ")


def test_each_code_says_the_same_facts_in_polish_and_english() -> None:
    for code, text in TEXTS.items():
        letters = "".join(part for part, *_ in string.Formatter().parse(text.english))
        assert text.polish or not any(map(str.isalpha, letters)), code
        assert not text.polish or set(FACT.findall(text.polish)) == names(text.english), code


def made() -> Iterator[tuple[str, ast.Call]]:
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Message":
                yield f"{path.name}:{node.lineno}", node


@pytest.mark.slow
def test_each_message_of_the_code_has_a_known_code_and_what_its_text_names() -> None:
    """Those without a named code are of reasons and of addresses, below."""
    wrong = []
    for place, call in made():
        first = call.args[0] if call.args else None
        codes = [node.value for node in ast.walk(first) if isinstance(node, ast.Constant)] if first else []
        given = {word.arg for word in call.keywords}
        if isinstance(first, ast.JoinedStr) or None in given:
            continue
        wrong += [place for code in codes if code not in TEXTS or names(TEXTS[code].english) != given]
    assert wrong == []


def test_each_reason_and_each_fault_of_an_address_has_its_message() -> None:
    with translation.override("pl"):
        assert {reason.value: str(reason.label) for reason in Job.Reason} == REASONS
    assert {fault.value for fault in Fault} == {Message(f"address_{fault.name.lower()}") for fault in Fault}


def test_a_message_is_said_in_the_language_that_is_on() -> None:
    refused = Message("about", about="A 2026-10-20 USD", reason=Message("dated_ahead", day=date(2026, 10, 20)))
    note = Message("note_refused", what=refused)
    assert note == "refused: A 2026-10-20 USD: dated 2026-10-20, after today"
    assert in_polish(note) == "odrzucono: A 2026-10-20 USD: data 20.10.2026, późniejsza niż dzisiejsza"
    assert in_polish(Message("new_codes", codes=["XYZ", "ABC"])) == "nowe kody: XYZ, ABC"
    until = datetime(2026, 11, 20, 10, 52, tzinfo=UTC)
    used = Message("budget_used", source="binance", until=until)
    assert used == "the budget of binance is used up until 10:52:00 UTC"
    assert in_polish(used) == "limit zapytań do źródła binance jest wyczerpany do 20.11.2026, 11:52"


@pytest.mark.parametrize(
    "message",
    [
        LATE,
        Message("span", count=3, first=date(2026, 1, 2), last=date(2026, 1, 5)),
        Message("candle", ticker="X%(a)s", timeframe="1h", moment=datetime(2026, 1, 2, tzinfo=UTC), reason="{b}"),
        Message("several", parts=[Message("unlisted", symbol="PEPE"), LATE]),
        Message("new_codes", codes=["A", "B"]),
    ],
    ids=lambda message: message.code,
)
def test_what_is_stored_comes_back_as_it_was(message: Message) -> None:
    for copy in (messages.decoded(messages.encoded(message)), pickle.loads(pickle.dumps(message))):
        assert copy == message
        assert in_polish(copy) == in_polish(message)


def test_what_this_release_does_not_know_is_shown_as_its_text_stands() -> None:
    broken: list[Any] = [None, [], {}, "x", {"code": "of a later release", "params": {}}, {"code": "no_answer"}]
    broken += [{"code": "no_answer", "params": {"plaice": "/"}}, {"code": "about", "params": {"about": {"day": "x"}}}]
    assert {messages.shown("as it was", stored) for stored in broken} == {"as it was"}
    assert (
        messages.shown_all(["old", "new codes: A"], [messages.encoded(Message("new_codes", codes=["A"]))])[0] == "old"
    )


def test_an_error_of_the_program_names_its_class_and_one_of_a_source_only_what_it_says() -> None:
    assert in_polish(messages.of_error(ValueError("3.9"))) == "błąd programu ValueError: 3.9"
    assert in_polish(messages.of_error(ZeroDivisionError())) == "błąd programu ZeroDivisionError"
    assert in_polish(messages.of_error(Unreachable(LATE))) == "GET /rates/A: brak odpowiedzi w terminie"
    assert in_polish(messages.of_error(Unreachable("their own words"))) == "their own words"


@pytest.mark.django_db
def test_a_job_keeps_its_messages_beside_the_english_of_the_api() -> None:
    with pytest.raises(Unreachable), runs.job("nbp.A", nbp()) as job:
        job_results.progress(job, new_codes=["XYZ"])
        job_results.progress(job, refused=[Message("about", about="A 2026-10-20", reason=Message("no_figure"))])
        raise Unreachable(LATE)
    job.refresh_from_db()
    assert (job.error, job.notes) == (
        "Unreachable: GET /rates/A: no answer in time",
        ["new codes: XYZ", "refused: A 2026-10-20: no figure"],
    )
    with translation.override("pl"):
        assert job.error_shown == "GET /rates/A: brak odpowiedzi w terminie"
        assert job.notes_shown == ["nowe kody: XYZ", "odrzucono: A 2026-10-20: brak wartości"]


@pytest.mark.django_db
def test_a_failed_poll_a_lost_job_and_a_problem_keep_theirs() -> None:
    with pytest.raises(Unreachable), hourly.poll("nbp.quotes", nbp()):
        raise Unreachable(LATE)
    lost = runs.start("nbp.B", nbp(), Job.Trigger.COMMAND)
    job_leases.end(Job.objects.filter(pk=lost.pk), Job.Reason.LOST)
    problems.report("times_ahead", "queue", LATE)
    with translation.override("pl"):
        shown = {job.job_type: job.error_shown for job in Job.objects.all()}
        assert shown == {"nbp.quotes": in_polish(LATE), "nbp.B": "proces zniknął w trakcie pracy"}
        assert Problem.objects.get().detail_shown == in_polish(LATE)
    assert Problem.objects.get().detail == "GET /rates/A: no answer in time"


@pytest.mark.django_db
@pytest.mark.parametrize(("start", "said"), [("", "brak odpowiedzi w terminie"), ("/en", "no answer in time")])
def test_the_admin_says_what_a_job_and_a_problem_met_in_the_readers_language(
    admin_client: Client, start: str, said: str
) -> None:
    with suppress(Unreachable), runs.job("nbp.A", nbp()) as job:
        raise Unreachable(LATE)
    problems.report("times_ahead", "queue", LATE)
    problem = Problem.objects.get()
    for address in (
        "markets/job/", f"markets/job/{job.pk}/change/", "markets/source/", "", f"markets/problem/{problem.pk}/change/"
    ):  # fmt: skip
        assert said in admin_client.get(f"{start}/admin/{address}").content.decode().replace("\u00a0", " "), address


@pytest.mark.django_db
def test_the_last_error_of_a_source_is_that_of_its_newest_failure() -> None:
    for place in ("/old", "/new"):
        with suppress(Unreachable), runs.job("nbp.A", nbp()):
            raise Unreachable(Message("no_answer", place=place))
    with translation.override("pl"):
        assert jobs.last_errors() == {nbp().pk: "GET /new: brak odpowiedzi w terminie"}


@pytest.mark.django_db
def test_notes_of_an_older_release_stay_as_they_stand_beside_new_ones() -> None:
    job = runs.start("nbp.A", nbp(), Job.Trigger.COMMAND)
    Job.objects.filter(pk=job.pk).update(notes=["new codes: OLD"], note_messages=None)
    job_results.progress(job, new_codes=["NEW"])
    job.refresh_from_db()
    with translation.override("pl"):
        assert job.notes_shown == ["new codes: OLD", "nowe kody: NEW"]


@pytest.mark.django_db
def test_no_secret_is_in_a_stored_message(settings: Any) -> None:
    settings.POLYGON_API_KEY = "very-secret-key"
    for message in (
        Message("connection", place="/very-secret-key", kind="E", words="api_key=abc"),
        Message("about", about="token", reason="hidden-word"),
    ):
        text, stored = runs.stored(message)
        for secret in ("very-secret-key", "abc", "hidden-word"):
            assert secret not in f"{text} {stored}"


@pytest.mark.django_db
@pytest.mark.parametrize(("start", "said"), [("", "brak odpowiedzi w terminie"), ("/en", "no answer in time")])
def test_the_admin_says_what_a_poll_a_symbol_and_the_queue_met_in_the_readers_language(
    admin_client: Client, start: str, said: str
) -> None:
    asset = Instrument.objects.create(code="BTCUSD", base="BTC", kind="crypto", name_pl="Bitcoin", name_en="Bitcoin")
    listing = Listing.objects.create(source=nbp(), instrument=asset, ticker="BTC")
    poll = Poll.objects.create(name="nbp.quotes", every=60)
    results.failed(poll.name, Unreachable(LATE))
    sync_status.mark([listing], SyncStatus.State.FAILED, "unreachable", LATE)
    batch_queue.enqueue(listing)
    [item] = batch_queue.dequeue()
    batch_queue.requeue(item, LATE)
    for table in ("poll", "syncstatus", "queueitem"):
        assert said in admin_client.get(f"{start}/admin/miner/{table}/").content.decode(), table
    assert said in admin_client.get(f"{start}/admin/miner/poll/{poll.pk}/change/").content.decode()
    poll.refresh_from_db()
    assert poll.error == LATE, "programs and logs read English"
    results.done(poll.name)
    poll.refresh_from_db()
    assert (poll.error, poll.error_message) == ("", None)
