"""What operators set going: ask now, try a connection, fill a range, compute again; and what they see of the brain."""

import html
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from markets.models import Job, Quote, Rate, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from miner import backfill
from miner.fetch import cooldown, http
from miner.fetch.errors import Refused
from miner.models import Spent
from miner.providers.ecb import ECB
from miner.providers.polygon import Polygon
from signals import tasks
from signals.models import AnalysisSnapshot, Signal
from tests.replica import SERVICES, Server, run
from tests.test_engine import wave

KEY = "pk-very-secret-1"


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def decided(nbp: Source, job: Job, at: Callable[[str], None]) -> AnalysisSnapshot:
    at("2026-11-20 13:00")
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in wave(300)], nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
    tasks.catch_up()
    OrmQ.objects.all().delete()
    return AnalysisSnapshot.objects.get(window="30d", instrument__code="USD")


def rotating() -> list[tuple[str, tuple[object, ...]]]:
    packages = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("pk")]
    return [(task["func"], tuple(task["args"])) for task in packages]


def act(operator: Client, model: str, action: str, *rows: int) -> None:
    response = operator.post(
        reverse(f"admin:{model}_changelist"),
        {"action": action, "_selected_action": [str(row) for row in rows], "confirmed": "yes"},
    )
    assert response.status_code == 302


def told(operator: Client) -> str:
    """The words above the list of sources."""
    page = operator.get(reverse("admin:markets_source_changelist")).content.decode()
    return html.unescape(page)


def logged(source: Source) -> list[str]:
    rows = LogEntry.objects.filter(object_id=str(source.pk), action_flag=CHANGE)
    return [row.change_message for row in rows.order_by("pk")]


def mined() -> list[tuple[str, tuple[object, ...]]]:
    return [task for task in rotating() if task[0].startswith("miner.")]


def test_mine_now_enqueues_the_chosen_sources(operator: Client, nbp: Source) -> None:
    act(operator, "markets_source", "mine_now", nbp.pk)
    assert rotating() == [("miner.tasks.mine", ("nbp",))]
    assert logged(nbp) == ["Zlecono pobranie"]


def test_mine_now_asks_a_market_for_prices_and_candles(operator: Client, nbp: Source) -> None:
    act(operator, "markets_source", "mine_now", Source.objects.get(code="binance").pk)
    assert mined() == [
        ("miner.tasks.quotes", ("binance",)),
        *(("miner.tasks.candles", ("binance", timeframe)) for timeframe in ("5m", "1h", "4h")),
    ]


def test_mine_now_says_that_a_source_is_switched_off(operator: Client, nbp: Source) -> None:
    Source.objects.update(enabled=False)
    act(operator, "markets_source", "mine_now", nbp.pk)
    assert rotating() == []
    assert "Wyłączone lub wstrzymane: nbp" in told(operator)


def test_mine_now_says_that_a_source_lacks_its_key_or_rests(operator: Client, nbp: Source) -> None:
    polygon = Source.objects.get(code="polygon")
    Source.objects.filter(pk=polygon.pk).update(enabled=True)
    cooldown.block(nbp, 60)
    act(operator, "markets_source", "mine_now", nbp.pk, polygon.pk)
    assert rotating() == []
    page = told(operator)
    assert "Brak klucza API: polygon" in page
    assert "Źródło wstrzymane, limit zapytań: nbp" in page


# Test of the connection


@pytest.fixture
def services(outgoing: set[tuple[str, int]], settings: Any, nbp: Source) -> Iterator[dict[str, Server[Any]]]:
    """Every service on this machine, each under the address of its source."""
    with ExitStack() as open_services:
        servers = {}
        for code, kind in SERVICES.items():
            server = servers[code] = open_services.enter_context(run(kind()))
            outgoing.add(("127.0.0.1", server.port))
            setattr(settings, f"{code.upper()}_BASE_URL", server.url)
        settings.POLYGON_API_KEY = KEY
        yield servers
    http.client().close()


def tried(operator: Client, source: Source) -> Job:
    """The job of a test of the connection, after a worker has done it."""
    act(operator, "markets_source", "test_connection", source.pk)
    assert f"Zlecono sprawdzenie połączenia: {source.code}" in told(operator)
    assert logged(source)[-1] == "Zlecono sprawdzenie połączenia"
    assert rotating() == [("miner.backfill.check", (source.code,))]
    OrmQ.objects.all().delete()
    backfill.check(source.code)
    return Job.objects.get(job_type=f"{source.code}.check")


@pytest.mark.slow
def test_every_source_can_be_tried_with_one_small_question(operator: Client, services: dict[str, Server[Any]]) -> None:
    for source in Source.objects.all():
        job = tried(operator, source)
        assert (job.status, job.trigger, job.requests, job.error) == ("success", "operator", 1, ""), source.code
    asked = {code: len(server.requests) for code, server in services.items()}
    assert asked == {"nbp": 1, "ecb": 2, "coingecko": 1, "deribit": 1, "binance": 1, "polygon": 1}
    assert re.search(r"\?symbols=%5B%22[A-Z]+USDT%22%5D$", services["binance"].requests[0]), "one symbol"
    spent = dict(Spent.objects.values_list("source__code", "total_calls"))
    assert spent == {source.code: 1 for source in Source.objects.all()}
    assert (Rate.objects.count(), Quote.objects.count()) == (0, 0), "a test stores nothing"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "script", "reason", "words"),
    [
        ("nbp", {"status": 503}, "unreachable", "GET /api/exchangerates/tables/"),
        (
            "coingecko",
            {"status": 429, "body": "error code: 1015"},
            "refused",
            "GET /api/v3/simple/price: HTTP 429",
        ),
        ("deribit", {"rubbish": "html"}, "unreadable", ""),
        ("binance", {"status": 451}, "blocked", "HTTP 451"),
        (
            "polygon",
            {"status": 401, "body": "Unknown API Key"},
            "no_key",
            "GET /v2/snapshot/locale/global/markets/forex/tickers: HTTP 401",
        ),
        ("ecb", {"drop": True}, "unreachable", ""),
    ],
)
def test_a_connection_that_fails_is_told_with_its_reason(
    operator: Client, services: dict[str, Server[Any]], code: str, script: dict[str, Any], reason: str, words: str
) -> None:
    services[code].set_script([script])
    job = tried(operator, Source.objects.get(code=code))
    assert (job.status, job.reason, words in job.error) == ("failed", reason, True), job.error
    assert len(services[code].requests) == 1, "an operator waits: nothing is tried again"
    assert KEY not in job.error


def test_a_test_without_a_key_asks_nobody(operator: Client, services: dict[str, Server[Any]], settings: Any) -> None:
    settings.POLYGON_API_KEY = ""
    assert tried(operator, Source.objects.get(code="polygon")).reason == "no_key"
    assert services["polygon"].requests == []


def test_a_test_keeps_to_the_budget(operator: Client, services: dict[str, Server[Any]]) -> None:
    cooldown.block(Source.objects.get(code="deribit"), 60)
    assert tried(operator, Source.objects.get(code="deribit")).reason == "budget"
    assert services["deribit"].requests == []


def test_a_provider_that_shows_its_key_shows_it_to_nobody(
    operator: Client, nbp: Source, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.POLYGON_API_KEY = KEY

    def blurt(self: Polygon, tickers: object) -> None:
        raise Refused(f"no such key: {self.key}")

    monkeypatch.setattr(Polygon, "fetch_quotes", blurt)
    job = tried(operator, Source.objects.get(code="polygon"))
    assert "no such key: ***" in job.error
    assert KEY not in str(Job.objects.values())


def test_a_fault_of_a_provider_is_a_job_that_failed(
    operator: Client, nbp: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ECB, "fetch_rates", lambda *_, **__: [][0])
    job = tried(operator, Source.objects.get(code="ecb"))
    assert (job.status, job.reason, job.error) == ("failed", "error", "Failed: IndexError")


def test_a_source_without_a_provider_cannot_be_tried(operator: Client, nbp: Source) -> None:
    gone = Source.objects.create(code="gone", name="Gone", available=False)
    act(operator, "markets_source", "test_connection", gone.pk)
    assert "Ta wersja systemu nie obsługuje źródła: gone" in told(operator)
    assert rotating() == []
    assert backfill.check("gone") == backfill.OFF


# A range of days


def fill(operator: Client, *sources: Source, **days: str) -> Any:
    chosen = {"action": "fill_range", "_selected_action": [str(source.pk) for source in sources]}
    return operator.post(reverse("admin:markets_source_changelist"), chosen | days)


def test_a_page_asks_for_the_days_of_the_range(operator: Client, nbp: Source, archive: Source) -> None:
    response = fill(operator, nbp, archive)
    page = response.content.decode()
    assert response.status_code == 200
    assert "Uzupełnij zakres dni" in page
    assert re.findall(r"<label[^>]*>([^<]+)</label>", page)[-2:] == ["Od dnia:", "Do dnia:"]
    assert page.count('type="date"') == 2
    assert all(f'name="_selected_action" value="{source.pk}"' in page for source in (nbp, archive))
    assert mined() == []


def test_the_days_that_were_given_are_enqueued_and_logged(operator: Client, nbp: Source) -> None:
    binance = Source.objects.get(code="binance")
    response = fill(operator, nbp, binance, start="2024-01-02", end="2024-01-05")
    assert response.status_code == 302
    days = (date(2024, 1, 2), date(2024, 1, 5))
    assert mined() == [
        ("miner.backfill.candles", ("binance", ["5m", "1h", "4h"], *days)),
        ("miner.backfill.tables", ("nbp", ["A", "gold", "C", "B"], *days)),
    ]
    assert logged(nbp) == logged(binance) == ["Zlecono uzupełnienie: 02.01.2024 – 05.01.2024"]
    assert "Zlecono uzupełnienie: 02.01.2024 – 05.01.2024: nbp" in told(operator)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2024-01-05", "2024-01-02", "Data końcowa jest wcześniejsza niż początkowa"),
        ("2024-01-05", "2999-01-01", "Ten dzień jeszcze nie nadszedł"),
        ("1024-01-05", "2024-01-02", "Najwcześniej 01.01.1980"),
        ("2024-02-30", "2024-03-02", "Wpisz poprawną datę."),
        ("", "2024-03-02", "To pole jest wymagane."),
        ("2024-03-02", "", "To pole jest wymagane."),
    ],
)
def test_days_that_make_no_range_are_asked_for_again(
    operator: Client, nbp: Source, start: str, end: str, words: str
) -> None:
    response = fill(operator, nbp, start=start, end=end)
    assert response.status_code == 200
    assert words in response.content.decode()
    assert mined() == []
    assert logged(nbp) == []


def test_a_source_without_a_past_or_switched_off_is_told_of(operator: Client, nbp: Source, settings: Any) -> None:
    settings.POLYGON_API_KEY = KEY
    polygon = Source.objects.get(code="polygon")
    Source.objects.filter(code="nbp").update(enabled=False)
    Source.objects.filter(code="polygon").update(enabled=True)
    fill(operator, nbp, polygon, start="2024-01-02", end="2024-01-05")
    page = told(operator)
    assert "Źródło nie podaje historii: polygon" in page
    assert "Wyłączone lub wstrzymane: nbp" in page
    assert mined() == []


@pytest.mark.parametrize("action", ["mine_now", "test_connection", "fill_range"])
def test_whoever_may_only_look_cannot_set_the_miner_going(client: Client, nbp: Source, action: str) -> None:
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_source"))
    client.force_login(looker)
    days = {"start": "2024-01-02", "end": "2024-01-05"}
    client.post(reverse("admin:markets_source_changelist"), {"action": action, "_selected_action": [nbp.pk]} | days)
    assert mined() == []
    assert logged(nbp) == []


# The brain


@pytest.mark.slow
def test_recompute_enqueues_each_instrument_once(operator: Client, decided: AnalysisSnapshot) -> None:
    rows = AnalysisSnapshot.objects.filter(instrument__code="USD").values_list("pk", flat=True)
    assert len(rows) == 3
    act(operator, "signals_analysissnapshot", "recompute", *rows)
    assert rotating() == [("signals.tasks.recompute", (["USD"],))]


def test_a_recompute_restores_a_state_that_was_spoilt(decided: AnalysisSnapshot) -> None:
    right = decided.state
    AnalysisSnapshot.objects.update(state={**right, "row": [1.0, 1.0, 1.0, 300.0, 1.0]})
    assert tasks.recompute(["USD"]) == 0
    decided.refresh_from_db()
    assert decided.state == right


@pytest.mark.slow
@pytest.mark.parametrize("model", [Signal, AnalysisSnapshot])
def test_decisions_and_states_are_looked_at_and_not_touched(
    operator: Client, decided: AnalysisSnapshot, model: type[Signal] | type[AnalysisSnapshot]
) -> None:
    name = f"signals_{model._meta.model_name}"
    row = model._default_manager.all()[0]
    assert operator.get(reverse(f"admin:{name}_changelist")).status_code == 200
    change = reverse(f"admin:{name}_change", args=[row.pk])
    assert operator.get(change).status_code == 200
    assert operator.post(change, {}).status_code == 403
    assert operator.get(reverse(f"admin:{name}_add")).status_code == 403
    assert operator.post(reverse(f"admin:{name}_delete", args=[row.pk])).status_code == 403


def test_whoever_may_only_look_cannot_set_the_brain_going(client: Client, decided: AnalysisSnapshot) -> None:
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_analysissnapshot"))
    client.force_login(looker)
    assert client.get(reverse("admin:signals_analysissnapshot_changelist")).status_code == 200
    client.post(
        reverse("admin:signals_analysissnapshot_changelist"), {"action": "recompute", "_selected_action": [decided.pk]}
    )
    assert rotating() == []
