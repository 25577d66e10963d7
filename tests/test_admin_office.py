"""Five minutes of an operator: the front page, buttons of rows, reasons, two tabs, an ended session, many failures."""

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation
from django_q.models import OrmQ, Task

from charon.api import message_log
from charon.backoffice import groups, remedies
from markets import clock, problems
from markets.messages import Message
from markets.models import Gap, Job, Source
from markets.store import gaps
from miner import tasks

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client, nbp: Source) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


def text(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def button(row: Any, action: str) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_do", args=[row.pk, action])


def press(client: Client, row: Any, action: str, **more: str) -> str:
    """What the list says after the question was answered with yes."""
    answer = client.post(button(row, action), {"confirmed": "yes", **more}, follow=True)
    assert answer.status_code == 200
    return text(answer)


def queued() -> list[str]:
    return [row.task["func"] for row in OrmQ.objects.order_by("pk")]


# The front page


def test_the_front_page_tells_what_is_wrong_and_where_it_is_mended(operator: Client, nbp: Source) -> None:
    problems.report("source_stale", "nbp", Message.of("nbp.A: 2026-11-19"))
    problems.report("disk", "", Message.of("180 MB"))
    page = text(operator.get("/admin/"))
    for words in (
        "Dane ze źródła są nieaktualne: ",
        nbp.name,
        "Od kiedy",
        "czytelników stron",
        "nbp.A: 2026-11-19",
        "180 MB",
    ):
        assert words in page
    assert f"{button(nbp, 'mine_now')}?next=%2Fadmin%2F" in page
    for words in ("Kolejka priorytetów", "Wolne miejsce", "o żadnej nie wiadomo", "Limity zapytań"):
        assert words in page


@pytest.mark.slow
def test_the_front_page_costs_the_same_however_much_is_wrong(operator: Client, nbp: Source) -> None:
    operator.get("/admin/")
    with CaptureQueriesContext(connection) as calm:
        operator.get("/admin/")
    for number in range(40):
        problems.report("job_failed", f"nbp.{number}", Message.of("Unreachable"))
    with CaptureQueriesContext(connection) as wild:
        page = text(operator.get("/admin/"))
    assert "Jeszcze 28 na liście." in page
    assert len(wild) <= len(calm) + 1, "one count of those that are not shown"
    assert len(wild) <= 15, [query["sql"][:90] for query in wild]


def test_an_account_sees_of_the_front_page_what_it_may_see(client: Client, nbp: Source) -> None:
    problems.report("disk", "", Message.of("180 MB"))
    client.force_login(User.objects.create_user("new", is_staff=True))
    page = text(client.get("/admin/"))
    assert "nie ma jeszcze żadnych uprawnień" in page
    assert "180 MB" not in page
    assert nbp.name not in page
    assert client.get(reverse("admin:message_log")).status_code == 403


@pytest.mark.slow
def test_the_front_page_offers_nobody_what_is_refused_to_them(
    client: Client, nbp: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A viewer reads of a problem, and no button of theirs ends in 403."""
    groups.write()
    user = User.objects.create_user("viewer", is_staff=True)
    user.groups.add(Group.objects.get(name=groups.VIEWER))
    client.force_login(user)
    monkeypatch.setattr(remedies, "SHOWN", 2 * len(problems.KINDS))
    for kind in problems.KINDS:
        problems.report(kind, "nbp", Message.of("180 MB"))
        problems.report(kind, "a&q=b", Message.of("180 MB"))
    page = text(client.get("/admin/"))
    links = set(re.findall(r'class="row-button" href="([^"]+)"', page))
    assert links
    for link in links:
        assert client.get(link).status_code == 200, link
    assert "?q=a%26q%3Db&status__exact=failed" in page


# Buttons of a row


def test_a_button_asks_first_and_does_nothing_by_get(operator: Client, nbp: Source) -> None:
    page = text(operator.get(button(nbp, "mine_now")))
    assert "Tak, wykonaj" in page
    assert nbp.name in page
    assert 'name="csrfmiddlewaretoken"' in page
    assert queued() == []
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    assert strict.post(button(nbp, "mine_now"), {"confirmed": "yes"}).status_code == 403


@pytest.mark.slow
def test_a_double_click_on_fetch_now_starts_one_job_and_says_so(operator: Client, nbp: Source) -> None:
    assert "Zlecono pobranie: nbp" in press(operator, nbp, "mine_now")
    assert "drugiego nie zlecono: nbp" in press(operator, nbp, "mine_now")
    assert queued() == ["miner.tasks.mine"]
    OrmQ.objects.all().delete()
    Job.objects.create(job_type="nbp.A", source=nbp, started_at=clock.now(), lease_until=clock.now())
    assert "drugiego nie zlecono: nbp" in press(operator, nbp, "mine_now"), "a worker is at it"
    assert queued() == []


@pytest.mark.slow
def test_a_source_is_paused_and_resumed_by_its_buttons(
    operator: Client, nbp: Source, at: Callable[[str], None]
) -> None:
    at("2026-11-20 12:00")
    assert button(nbp, "resume") not in text(operator.get(reverse("admin:markets_source_changelist")))
    page = press(operator, nbp, "pause", reason="bank ma przerwę")
    nbp.refresh_from_db()
    assert nbp.paused_until == clock.now() + timedelta(hours=1)
    assert "wstrzymane do 20.11.2026, 13:00" in page
    assert (button(nbp, "resume") in page, button(nbp, "pause") in page) == (True, False)
    assert LogEntry.objects.get().change_message == "Wstrzymano na godzinę – bank ma przerwę"
    press(operator, nbp, "resume")
    nbp.refresh_from_db()
    assert nbp.paused_until is None


def test_what_lasts_is_not_done_without_a_reason(operator: Client, nbp: Source) -> None:
    chosen = {"action": "disable", "_selected_action": [nbp.pk], "confirmed": "yes"}
    answer = operator.post(reverse("admin:markets_source_changelist"), chosen | {"reason": " "})
    assert "To pole jest wymagane." in text(answer)
    nbp.refresh_from_db()
    assert nbp.enabled


def test_a_wish_leads_back_where_it_came_from_and_nowhere_else(operator: Client, nbp: Source) -> None:
    for wanted, found in (
        ("/admin/", "/admin/"),
        ("https://evil.example/", reverse("admin:markets_source_changelist")),
    ):
        answer = operator.post(f"{button(nbp, 'pause')}?next={wanted}", {"confirmed": "yes"})
        assert answer.headers["Location"] == found


def test_the_list_of_sources_says_how_each_is_doing(operator: Client, nbp: Source) -> None:
    now = clock.now()
    error = "Unreachable: GET /api/: no answer in time\nTraceback of 40 lines"
    Job.objects.create(
        job_type="nbp.A", source=nbp, status="failed", reason="unreachable", error=error,
        started_at=now, finished_at=now, requests=3,
    )  # fmt: skip
    Job.objects.create(
        job_type="nbp.C", source=nbp, started_at=now, lease_until=now, windows=98, windows_done=37,
        reached=now.date(),
    )  # fmt: skip
    page = text(operator.get(reverse("admin:markets_source_changelist")))
    for words in (
        "nie odpowiada",
        "no answer in time",
        "37 z 98\u00a0zakresów dat",
        '<progress max="98" value="37"',
        "brak",
    ):
        assert words in page, words
    assert "Traceback" not in page


# Jobs


def failed(source: Source, job_type: str, count: int = 1) -> Job:
    now = clock.now()
    rows = [
        Job(
            job_type=job_type, source=source, status="failed", reason="unreachable",
            error=f"Unreachable {number}\nmore",
            started_at=now - timedelta(seconds=number), finished_at=now,
        )
        for number in range(count)
    ]  # fmt: skip
    Job.objects.bulk_create(rows)
    return Job.objects.filter(job_type=job_type).latest("pk")


@pytest.mark.slow
def test_thousands_of_failures_do_not_freeze_their_lists(operator: Client, nbp: Source) -> None:
    failed(nbp, "nbp.A", 12_000)
    moment = clock.now()
    Task.objects.bulk_create(
        Task(id=f"{n:032d}", name="x", func="f", started=moment, stopped=moment, success=False) for n in range(3000)
    )
    for name in ("markets_job", "django_q_failure"):
        with CaptureQueriesContext(connection) as asked:
            page = text(operator.get(reverse(f"admin:{name}_changelist")))
        statements = [query["sql"] for query in asked]
        assert len(statements) <= 10, statements
        counts = [sql for sql in statements if "COUNT(" in sql]
        assert all("LIMIT 10001" in sql for sql in counts), counts
        assert not any("DISTINCT" in sql for sql in statements), "nothing is asked of all rows"
    assert page
    assert "ponad 10 000 wierszy" in text(operator.get(reverse("admin:markets_job_changelist")))


@pytest.mark.slow
def test_a_failed_job_is_tried_again_once(operator: Client, nbp: Source) -> None:
    job = failed(nbp, "nbp.A")
    page = text(operator.get(reverse("admin:markets_job_changelist")))
    for words in (
        "Narodowy Bank Polski: tabela A",
        "nieudane",
        "źródło nieosiągalne: Unreachable 0",
        button(job, "retry"),
    ):
        assert words in page
    assert button(job, "cancel") not in page
    assert "Zlecono ponownie: nbp.A" in press(operator, job, "retry")
    assert "drugiego nie zlecono: nbp.A" in press(operator, job, "retry")
    (row,) = OrmQ.objects.all()
    assert (row.task["func"], tuple(row.task["args"])) == ("miner.tasks.mine", ("nbp", ["A"]))
    filled = failed(nbp, "nbp.fill.5m")
    assert "uzupełnij zakres dni przy źródle" in text(
        operator.post(
            reverse("admin:markets_job_changelist"),
            {"action": "retry", "_selected_action": [filled.pk], "confirmed": "yes"},
            follow=True,
        )
    )


def test_a_job_that_waits_is_ended_with_its_continuation(operator: Client, nbp: Source) -> None:
    job = Job.objects.create(
        job_type="nbp.A", source=nbp, started_at=clock.now(), lease_until=clock.now() + timedelta(minutes=9)
    )
    tasks.enqueue("nbp", tables=["A"], resume=job.pk)
    tasks.enqueue("ecb", resume=job.pk + 1)
    assert "Przerwano: nbp.A" in press(operator, job, "cancel")
    job.refresh_from_db()
    assert (job.status, job.reason, job.error) == ("failed", "stopped", "cancelled by operator")
    assert [row.task["args"] for row in OrmQ.objects.all()] == [("ecb",)], "another job goes on"


# Gaps


def test_a_gap_is_asked_for_again_at_once(operator: Client, nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00")
    day = clock.today() - timedelta(days=9)
    gaps.record(nbp, Gap.Reason.EMPTY, [gaps.of_days("A", day, day)])
    gap = Gap.objects.get()
    assert "Zlecono zapytanie: Narodowy Bank Polski A" in press(operator, gap, "heal")
    assert queued() == ["miner.gaps.tasks.windows"]
    assert Job.objects.get().trigger == "operator"
    Job.objects.update(details={})
    assert "drugiego zapytania nie zlecono" in press(operator, gap, "heal")
    Source.objects.update(enabled=False)
    assert "wyłączone, wstrzymane albo bez klucza" in press(operator, gap, "heal")


# Edits


def edit(client: Client, source: Source, **more: str) -> Any:
    form = {"enabled": "on", "polling_interval": "1800", "public_display": "on", "base_url": ""}
    return client.post(reverse("admin:markets_source_change", args=[source.pk]), form | more)


def test_an_edit_says_why_and_the_history_keeps_it(operator: Client, nbp: Source) -> None:
    assert "change_reason" in edit(operator, nbp).context["adminform"].form.errors
    assert edit(operator, nbp, change_reason="bank prosił o mniej zapytań").status_code == 302
    entry = LogEntry.objects.get()
    assert json.loads(entry.change_message)[1] == {"reason": "bank prosił o mniej zapytań"}
    assert "Powód" not in entry.get_change_message()
    page = text(operator.get(reverse("admin:markets_source_history", args=[nbp.pk])))
    assert "bank prosił o mniej zapytań" in page
    assert "bank prosił" in text(operator.get(reverse("admin:admin_logentry_changelist")))


@pytest.mark.slow
def test_of_two_tabs_the_second_is_told_and_overwrites_nothing(operator: Client, nbp: Source) -> None:
    address = reverse("admin:markets_source_change", args=[nbp.pk])
    seen = [operator.get(address).context["adminform"].form.initial["seen"] for _tab in range(2)]
    assert edit(operator, nbp, change_reason="pierwsza karta", seen=seen[0]).status_code == 302
    second = edit(operator, nbp, polling_interval="7200", change_reason="druga karta", seen=seen[1])
    assert second.status_code == 200
    assert "zmieniono w międzyczasie" in text(second)
    nbp.refresh_from_db()
    assert nbp.polling_interval == 1800
    assert f'name="seen" value="{seen[0]}"' not in text(operator.get(address)), "the row says something else now"


def test_a_form_that_comes_after_its_session_had_ended_is_told_at_the_door(operator: Client, nbp: Source) -> None:
    operator.session.flush()
    for address in (button(nbp, "pause"), reverse("admin:markets_source_change", args=[nbp.pk])):
        answer = operator.post(address, {"confirmed": "yes", "enabled": "on"}, follow=True)
        assert "Sesja wygasła, zanim formularz dotarł: nic nie zapisano." in text(answer)
        assert answer.redirect_chain[0][0].startswith("/admin/login/?next=")
    assert LogEntry.objects.count() == 0
    assert "Sesja wygasła" not in text(operator.get("/admin/login/")), "told once"


# The message log, words and languages


@pytest.mark.usefixtures("without_redis")
def test_the_message_log_is_filtered_and_says_when_there_is_none(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "działa tylko z Redisem" in text(operator.get(reverse("admin:message_log")))
    asked = []

    def read(limit: int, kind: str = "", source: str = "") -> list[dict[str, Any]]:
        asked.append((kind, source))
        line = {"id": "1-0", "type": "signal", "channel": "signals.updated", "source": "ta-service"}
        return [line | {"summary": "<b>USD</b>", "payload_size": 121, "timestamp": None}]

    monkeypatch.setattr(message_log, "read", read)
    answer = operator.get(reverse("admin:message_log"), {"type": "signal", "source": "rubbish"})
    assert asked == [("signal", "")]
    assert "&lt;b&gt;USD" in answer.content.decode()


def test_titles_are_names_of_lists_and_no_wrong_case(operator: Client, nbp: Source) -> None:
    for name, title in (
        ("markets_publication", "Publikacje"), ("django_q_failure", "Nieudane zadania kolejki"),
        ("markets_outboxevent", "Kolejka przeliczeń"), ("auth_group", "Grupy"),
    ):  # fmt: skip
        page = text(operator.get(reverse(f"admin:{name}_changelist")))
        assert f"<h1>{title}</h1>" in page
        assert "Wybierz " not in page.replace("Wybierz wszystkie", "")
    with translation.override("en"):
        address = reverse("admin:markets_source_changelist")
    assert address.startswith("/en/admin/")
    assert 'lang="en"' in text(operator.get(address))
