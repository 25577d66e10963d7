"""The operators' room: everything can be looked at, figures cannot be touched, choices about sources can."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django_q.models import Schedule

from charon import page_urls  # noqa: F401  the lists of the admin are loaded with the addresses
from markets import clock
from markets.models import (
    Alias,
    CallerCount,
    Gap,
    Generation,
    IdempotentAnswer,
    Instrument,
    Job,
    OutboxEvent,
    Publication,
    Quote,
    Rate,
    Revision,
    Source,
)
from markets.records import RateRecord, Table
from markets.store import gaps
from markets.store.publish import publish

OURS = [Alias, Gap, Instrument, Job, OutboxEvent, Publication, Quote, Rate, Revision, Source]
LOOK_ONLY = [Gap, Job, OutboxEvent, Publication, Quote, Rate, Revision, Schedule]
DAY = date(2026, 11, 20)


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def figures(nbp: Source, job: Job) -> None:
    """A figure of each kind, one of them corrected later, one refused."""
    proof = {"url": "https://nbp.example/", "sha256": "a" * 64}
    zero = RateRecord("ZWR", mid=Decimal("0"))
    for value in ("3.7740", "3.7747"):
        lines = [RateRecord("USD", mid=Decimal(value), name="dolar"), zero]
        publish([Table("A", DAY, lines, number="225/A/NBP/2026", **proof)], nbp, job)  # type: ignore[arg-type]
    spread = RateRecord("USD", bid=Decimal("3.7001"), ask=Decimal("3.8000"))
    publish([Table("C", DAY, [spread], **proof)], nbp, job)  # type: ignore[arg-type]
    gaps.record(nbp, Gap.Reason.EMPTY, [gaps.of_days("A", DAY, DAY)])


def address(model: type[Model], view: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


def a_row(model: type[Model]) -> Model:
    row = model._default_manager.first()
    assert row is not None
    return row


def test_every_model_of_ours_is_in_the_admin() -> None:
    counts = {CallerCount, Generation, IdempotentAnswer}
    missing = [
        model
        for model in apps.get_app_config("markets").get_models()
        if model not in counts and not model._meta.proxy and not admin.site.is_registered(model)
    ]
    assert missing == []


def test_what_django_checks_of_its_lists_is_sound() -> None:
    assert admin.site.check(None) == []


@pytest.mark.slow
@pytest.mark.parametrize("model", [*OURS, Schedule])
def test_every_page_opens(operator: Client, figures: None, model: type[Model]) -> None:
    assert operator.get(address(model, "changelist")).status_code == 200
    assert operator.get(address(model, "changelist"), {"q": "USD"}).status_code == 200
    assert operator.get(address(model, "change", a_row(model).pk)).status_code == 200


@pytest.mark.parametrize("model", [*OURS, Schedule])
def test_strangers_are_sent_to_the_door(client: Client, figures: None, model: type[Model]) -> None:
    for url in (address(model, "changelist"), address(model, "change", a_row(model).pk)):
        response = client.get(url)
        assert (response.status_code, response.headers["Location"]) == (302, f"/admin/login/?next={url}")


@pytest.mark.parametrize("model", LOOK_ONLY)
def test_what_code_wrote_is_not_added_changed_or_deleted(operator: Client, figures: None, model: type[Model]) -> None:
    row = a_row(model)
    before = list(model._default_manager.values())
    assert operator.get(address(model, "add")).status_code == 403
    assert operator.post(address(model, "add"), {}).status_code == 403
    assert operator.post(address(model, "change", row.pk), {"mid": "1", "status": "failed"}).status_code == 403
    assert operator.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
    operator.post(address(model, "changelist"), chosen)
    assert list(model._default_manager.values()) == before


def test_sources_come_from_code_alone(operator: Client, figures: None) -> None:
    assert operator.post(address(Source, "add"), {"code": "made-up"}).status_code == 200
    assert not Source.objects.filter(code="made-up").exists()
    assert operator.post(address(Source, "delete", a_row(Source).pk), {"post": "yes"}).status_code == 403


def test_an_instrument_is_never_deleted(operator: Client, figures: None) -> None:
    assert operator.post(address(Instrument, "delete", a_row(Instrument).pk), {"post": "yes"}).status_code == 403


def test_figures_are_written_with_their_published_digits(operator: Client, figures: None) -> None:
    listed = operator.get(address(Rate, "changelist")).content.decode()
    for figure in ("3,7747", "3,7001", "3,8000"):
        assert f">{figure}<" in listed
    corrected = operator.get(address(Revision, "changelist")).content.decode()
    assert "USD A 20.11.2026" in corrected
    assert ">3,7740<" in corrected


def test_a_list_of_rates_is_filtered_by_its_letter(operator: Client, figures: None) -> None:
    listed = operator.get(address(Rate, "changelist"), {"table": "C"}).content.decode()
    assert "3,7001" in listed
    assert "3,7747" not in listed


def test_the_list_of_rates_costs_the_same_for_one_row_and_for_fifty(
    operator: Client, nbp: Source, job: Job, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    codes = [f"{a}{b}Z" for a in "ABCDEFGH" for b in "ABCDEFGH"]
    publish([Table("A", DAY, [RateRecord(code, mid=Decimal("1.5")) for code in codes], sha256="b" * 64)], nbp, job)
    with django_assert_max_num_queries(8):  # type: ignore[attr-defined]
        operator.get(address(Rate, "changelist"))


def test_a_job_names_the_refused_figures(operator: Client, figures: None) -> None:
    content = operator.get(address(Job, "change", a_row(Job).pk)).content.decode()
    assert "ZWR: 0: nie jest większa od zera" in content


def test_markup_in_the_notes_of_a_job_is_not_obeyed(operator: Client, job: Job) -> None:
    Job.objects.update(notes=["<script>alert(1)</script>"], error="<script>alert(2)</script>")
    assert b"<script>alert" not in operator.get(address(Job, "change", job.pk)).content


def act(operator: Client, action: str, *sources: Source) -> None:
    sure = {"confirmed": "yes", "reason": "dla próby"}
    chosen = {"action": action, "_selected_action": [str(source.pk) for source in sources]} | sure
    assert operator.post(address(Source, "changelist"), chosen).status_code == 302


def test_a_source_is_switched_off_and_on_and_its_schedules_follow(operator: Client, nbp: Source) -> None:
    assert Schedule.objects.filter(name="nbp").exists()
    act(operator, "disable", nbp)
    nbp.refresh_from_db()
    assert (nbp.enabled, Schedule.objects.filter(name="nbp").exists()) == (False, False)
    act(operator, "enable", nbp)
    nbp.refresh_from_db()
    assert (nbp.enabled, Schedule.objects.filter(name="nbp").exists()) == (True, True)


def test_a_source_is_paused_for_an_hour_and_resumed(operator: Client, nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 12:00")
    act(operator, "pause", nbp)
    nbp.refresh_from_db()
    assert nbp.paused_until == clock.now() + timedelta(hours=1)
    act(operator, "resume", nbp)
    nbp.refresh_from_db()
    assert nbp.paused_until is None


def test_choices_are_logged_with_who_made_them(operator: Client, nbp: Source, archive: Source) -> None:
    act(operator, "pause", nbp, archive)
    entries = LogEntry.objects.order_by("object_id").values_list("user__username", "change_message", "object_id")
    assert list(entries) == [
        ("operator", "Wstrzymano na godzinę – dla próby", str(pk)) for pk in sorted((nbp.pk, archive.pk), key=str)
    ]


def test_a_new_cadence_reaches_the_timetable(operator: Client, nbp: Source) -> None:
    form = {"enabled": "on", "polling_interval": "1800", "public_display": "on", "base_url": "", "name": "Oszust"}
    form |= {"change_reason": "rzadziej wystarczy"}
    response = operator.post(address(Source, "change", nbp.pk), form)
    assert response.status_code == 302
    name = nbp.name
    nbp.refresh_from_db()
    assert (nbp.polling_interval, nbp.name) == (1800, name)
    assert Schedule.objects.get(name="nbp").minutes == 30


def test_a_cadence_under_five_seconds_is_refused(operator: Client, nbp: Source) -> None:
    response = operator.post(address(Source, "change", nbp.pk), {"enabled": "on", "polling_interval": "4"})
    assert response.status_code == 200
    nbp.refresh_from_db()
    assert nbp.polling_interval == 3600


def test_an_alias_is_kept_in_capitals_as_it_is_looked_up(operator: Client, figures: None) -> None:
    usd = Instrument.objects.get(code="USD")
    operator.post(address(Alias, "add"), {"name": " dolar ", "instrument": str(usd.pk)})
    assert Alias.objects.filter(name="DOLAR", instrument=usd).exists()


def test_the_name_of_an_instrument_is_not_changed_by_hand(operator: Client, figures: None) -> None:
    usd = Instrument.objects.get(code="USD")
    form = {"name_pl": "inny", "code": "XXX", "aliases-TOTAL_FORMS": "0", "aliases-INITIAL_FORMS": "0"}
    assert operator.post(address(Instrument, "change", usd.pk), form).status_code == 302
    usd.refresh_from_db()
    assert (usd.code, usd.name_pl) == ("USD", "dolar")


def test_the_rooms_name_is_on_the_door(client: Client, db: None) -> None:
    content = client.get("/admin/login/").content.decode()
    assert "Charon" in content
    assert 'lang="pl"' in content
