"""Channels, messages and silences in the admin: secrets go in and never come out, and nothing is sent in a request."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django_q.models import OrmQ

from markets import clock, messages, problems
from markets.models import Source
from signals.alerts.channels import KINDS
from signals.alerts.channels.channel import Config, Field, Kind, Message
from signals.alerts.deliver import seal
from signals.alerts.deliver.models import Attempt, Channel, Delivery, Silence
from signals.alerts.models import AlertRule
from tests.alert_rows import alert_event
from tests.cases import walk
from tests.test_alerts_api import gecko, noon  # noqa: F401  fixtures

pytestmark = pytest.mark.django_db
SECRET, TOKEN = "whsec_hush-hush", "tk_hush-hush"
FIELDS = (
    Field("url", gettext_lazy("Adres"), help="https://…"),
    Field("secret", gettext_lazy("Klucz"), secret=True),
    Field("token", gettext_lazy("Token"), secret=True, required=False),
)
FORM = {"name": "dyżur", "enabled": "on", "language": "pl", "config_url": "https://example.org/hook/abc"}


def check(config: Config) -> dict[str, str]:
    return {} if config.get("url", "").startswith("https://") else {"url": "Adres musi zaczynać się od https://"}


def send(config: Config, message: Message) -> int:
    raise AssertionError("a request of the admin has sent something")


@pytest.fixture(autouse=True)
def hook(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Kind("hook", "Webhook na próbę", FIELDS, check, lambda config: config["url"].split("/")[2], send)
    monkeypatch.setitem(KINDS, "hook", kind)


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def channel(at: Callable[[str], None]) -> Channel:
    at("2026-10-26 12:00")
    config = {"url": "https://example.org/hook/abc", "secret": SECRET, "token": TOKEN}
    return made("dyżur", sealed=seal.seal(config), target="example.org")


def made(name: str, **more: Any) -> Channel:
    return Channel.objects.create(**{"name": name, "kind": "hook", "created_at": clock.now()} | more)


def message(channel: Channel, **more: Any) -> Delivery:
    facts = {"key": uuid.uuid4(), "step": "test", "due_at": clock.now(), "created_at": clock.now()}
    return Delivery.objects.create(channel=channel, **facts | more)


def page(model: str, view: str, *args: object) -> str:
    return reverse(f"admin:alerts_{model}_{view}", args=args)


def change(client: Client, channel: Channel, form: Mapping[str, Any] = FORM, **said: Any) -> Any:
    response = client.post(page("channel", "change", channel.pk), {**form, **said})
    channel.refresh_from_db()
    return response


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, "it was saved"
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return found


def act(client: Client, model: str, action: str, *rows: int) -> Any:
    return client.post(
        page(model, "changelist"),
        {"action": action, "_selected_action": [str(row) for row in rows], "confirmed": "yes"},
    )


def viewer(client: Client, *more: str) -> Client:
    user = User.objects.create_user("viewer", is_staff=True)
    seen = Permission.objects.filter(content_type__app_label="alerts", codename__startswith="view_")
    user.user_permissions.set([*seen, *Permission.objects.filter(codename__in=more)])
    client.force_login(user)
    return client


# Set up in two steps


def test_a_channel_is_named_first_and_then_has_the_fields_of_its_kind(operator: Client) -> None:
    added = operator.post(page("channel", "add"), {"name": "dyżur", "kind": "hook"})
    one = Channel.objects.get()
    assert added.headers["Location"] == page("channel", "change", one.pk)
    assert (one.enabled, one.sealed) == (False, ""), "it could not send yet"
    form = operator.get(added.headers["Location"]).context["adminform"].form
    assert [name for name in form.fields if name.startswith("config_")] == [
        "config_url",
        "config_secret",
        "config_token",
    ]
    assert form["enabled"].value() is True
    assert change(operator, one, config_secret=SECRET, kinds=["move", "disk"]).status_code == 302
    assert seal.unseal(one.sealed) == {"url": FORM["config_url"], "secret": SECRET}
    assert (one.target, one.enabled, one.kinds, one.kind) == ("example.org", True, ["move", "disk"], "hook")
    assert SECRET not in one.sealed


def test_a_kind_that_is_not_there_is_not_chosen(operator: Client) -> None:
    response = operator.post(page("channel", "add"), {"name": "dyżur", "kind": "pigeon"})
    assert "kind" in errors(response)
    assert not Channel.objects.exists()


def test_faults_stand_at_their_fields_and_change_nothing(operator: Client, channel: Channel) -> None:
    before = channel.sealed
    assert errors(change(operator, channel, config_url="http://example.org")) == {
        "config_url": ["Adres musi zaczynać się od https://"]
    }
    assert "config_url" in errors(change(operator, channel, config_url=""))
    assert channel.sealed == before
    fresh = made("nowy")
    assert "config_secret" in errors(change(operator, fresh, name="nowy"))


# Secrets


def test_an_empty_secret_stays_as_it_is_and_an_optional_one_is_removed(operator: Client, channel: Channel) -> None:
    assert change(operator, channel, config_url="https://example.org/new").status_code == 302
    assert seal.unseal(channel.sealed) == {"url": "https://example.org/new", "secret": SECRET, "token": TOKEN}
    assert change(operator, channel, delete_token="on").status_code == 302
    assert "token" not in seal.unseal(channel.sealed)
    form = operator.get(page("channel", "change", channel.pk)).context["adminform"].form
    assert "delete_token" not in form.fields
    assert "delete_secret" not in form.fields


def test_a_stored_secret_does_not_follow_to_another_place(
    operator: Client, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = (FIELDS[0]._replace(place=True), *FIELDS[1:])
    monkeypatch.setitem(KINDS, "hook", replace(KINDS["hook"], fields=fields))
    moved: dict[str, Any] = {"config_url": "https://elsewhere.example/hook"}
    before = channel.sealed
    assert set(errors(change(operator, channel, **moved))) == {"config_secret", "config_token"}
    assert channel.sealed == before
    said: dict[str, Any] = {**moved, "config_secret": SECRET, "delete_token": "on"}
    assert change(operator, channel, **said).status_code == 302
    assert seal.unseal(channel.sealed) == {"url": moved["config_url"], "secret": SECRET}


def test_a_field_with_choices_offers_them(operator: Client, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    way = Field("way", gettext_lazy("Szyfrowanie"), required=False, choices=(("tls", "TLS"),))
    monkeypatch.setitem(KINDS, "hook", replace(KINDS["hook"], fields=(*FIELDS, way)))
    assert set(errors(change(operator, channel, config_way="pigeon"))) == {"config_way"}
    assert change(operator, channel, config_way="tls").status_code == 302
    assert seal.unseal(channel.sealed)["way"] == "tls"


@pytest.mark.slow
def test_no_page_shows_a_secret(operator: Client, channel: Channel) -> None:
    change(operator, channel, config_secret="whsec_hush-hush-2", config_token="")
    refused = change(operator, channel, config_url="http://x", config_secret="whsec_hush-hush-3")
    views = [page("channel", view, channel.pk) for view in ("change", "history", "delete")]
    addresses = [*views, page("channel", "changelist"), "/admin/"]
    shown = [refused.content.decode(), *(operator.get(address).content.decode() for address in addresses)]
    assert "Ustawione; puste pole niczego nie zmienia." in shown[1]
    assert not [text for text in shown if "hush" in text]
    entries = LogEntry.objects.values_list("change_message", "object_repr")
    assert entries
    assert not [entry for entry in entries if "hush" in str(entry) or "example.org" in str(entry)]


def test_who_may_only_look_sees_where_it_goes_and_none_of_its_settings(client: Client, channel: Channel) -> None:
    content = viewer(client).get(page("channel", "change", channel.pk)).content.decode()
    assert "example.org" in content
    assert "hook/abc" not in content
    assert "hush" not in content
    assert "Wyślij wiadomość próbną" not in content
    assert change(client, channel, name="inny").status_code == 403


def test_settings_of_another_key_are_said_to_be_unreadable_and_set_anew(
    operator: Client, channel: Channel, settings: Any
) -> None:
    settings.SECRET_KEY = "another-key-than-the-one-that-sealed-it"
    operator.force_login(User.objects.get())  # the session was of the other key too
    address = page("channel", "change", channel.pk)
    assert "zapisano je z innym SECRET_KEY" in operator.get(address).content.decode()
    assert "ustawień nie da się odczytać" in operator.get(page("channel", "changelist")).content.decode()
    assert "config_secret" in errors(change(operator, channel)), "nothing is left of the old one"
    assert change(operator, channel, config_secret="whsec_new").status_code == 302
    assert seal.unseal(channel.sealed) == {"url": FORM["config_url"], "secret": "whsec_new"}
    assert "SECRET_KEY" not in operator.get(address).content.decode()


def test_a_kind_that_the_installation_has_lost_keeps_its_settings(
    operator: Client, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = channel.sealed
    monkeypatch.delitem(KINDS, "hook")
    assert "nie zna kanałów tego rodzaju" in operator.get(page("channel", "change", channel.pk)).content.decode()
    assert operator.get(page("channel", "changelist")).status_code == 200
    assert change(operator, channel, name="nocny").status_code == 302
    assert (channel.name, channel.sealed) == ("nocny", before)


# What else it has


@pytest.mark.slow
@walk(
    ("said", "field"),
    [({"quiet_from": "22:00"}, "quiet_until"), ({"quiet_until": "06:00"}, "quiet_from"),
     ({"quiet_from": "22:00", "quiet_until": "22:00"}, "quiet_until"), ({"kinds": ["rain"]}, "kinds"),
     ({"language": "xx"}, "language")],
)  # fmt: skip
def test_what_means_nothing_is_refused(operator: Client, channel: Channel, said: dict[str, Any], field: str) -> None:
    assert field in errors(change(operator, channel, **said))


@pytest.mark.slow
def test_an_escalation_never_comes_back(operator: Client, channel: Channel) -> None:
    boss = made("szef", sealed=channel.sealed)
    chief = made("prezes", sealed=channel.sealed, escalates_to=channel)
    assert "escalates_to" in errors(change(operator, channel, escalates_to=channel.pk))
    assert "escalates_to" in errors(change(operator, boss, name="szef", escalates_to=boss.pk))
    assert change(operator, channel, escalates_to=boss.pk).status_code == 302
    assert "escalates_to" in errors(change(operator, boss, name="szef", escalates_to=chief.pk))
    Channel.objects.filter(pk=boss.pk).update(escalates_to=boss)
    assert "escalates_to" in errors(change(operator, chief, name="prezes", escalates_to=boss.pk)), "it would never end"


def test_saving_does_not_undo_what_a_task_counted_meanwhile(
    operator: Client, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = seal.seal

    def meanwhile(config: Mapping[str, str]) -> str:
        Channel.objects.update(failures=3, broken_since=clock.now())
        return real(config)

    monkeypatch.setattr(seal, "seal", meanwhile)
    assert change(operator, channel).status_code == 302
    assert (channel.failures, channel.broken_since) == (3, clock.now())


def test_the_list_says_how_each_channel_does(
    operator: Client, channel: Channel, django_assert_max_num_queries: Any
) -> None:
    moment = clock.now()
    sealed = channel.sealed
    made("zepsuty", sealed=sealed, failures=3, broken_since=moment - timedelta(hours=1))
    made("chwiejny", sealed=sealed, failures=1)
    made("zgaszony", sealed=sealed, enabled=False)
    made("nowy", enabled=False)
    for number in range(3):
        message(channel, state="sent", sent_at=moment - timedelta(minutes=number))
    Channel.objects.filter(pk=channel.pk).update(canary_at=moment, canary_ms=1240)
    with django_assert_max_num_queries(8):
        content = operator.get(page("channel", "changelist")).content.decode().replace("\u00a0", " ")
    for words in ("działa", "nie działa od 26.10.2026, 11:00", "ostatnio bez powodzenia", "wyłączony", "bez ustawień",
                  "26.10.2026, 12:00 (1,2 s)", "Webhook na próbę", "example.org"):  # fmt: skip
        assert words in content


def test_the_problem_of_a_channel_goes_with_its_name(operator: Client, channel: Channel) -> None:
    def is_open(name: str) -> bool:
        return problems.current().filter(kind="channel_broken", subject=name).exists()

    problems.report("channel_broken", "dyżur", messages.Message.of("500"))
    assert change(operator, channel).status_code == 302
    assert is_open("dyżur")
    assert change(operator, channel, name="nocny").status_code == 302
    assert not is_open("dyżur")
    problems.report("channel_broken", "nocny", messages.Message.of("500"))
    Channel.objects.update(failures=3, broken_since=clock.now())
    assert change(operator, channel, name="nocny", enabled="").status_code == 302
    assert not is_open("nocny")
    assert (channel.failures, channel.broken_since) == (0, None)


def test_a_channel_is_deleted_with_its_messages_after_a_question(operator: Client, channel: Channel) -> None:
    for _ in range(3):
        Attempt.objects.create(delivery=message(channel), number=1, started_at=clock.now(), milliseconds=5, ok=False)
    problems.report("channel_broken", "dyżur")
    address = page("channel", "delete", channel.pk)
    asked = operator.get(address).content.decode()
    assert "Wiadomości: 3" in " ".join(asked.split())
    assert Channel.objects.exists()
    assert operator.post(address, {"post": "yes"}).status_code == 302
    assert not Channel.objects.exists()
    assert not Delivery.objects.exists()
    assert not problems.current().filter(kind="channel_broken").exists()


# The test message


def test_the_button_enqueues_a_test_and_the_page_says_how_it_went(operator: Client, channel: Channel) -> None:
    address, button = page("channel", "change", channel.pk), page("channel", "test", channel.pk)
    assert f'action="{button}"' in operator.get(address).content.decode()
    assert operator.get(button).status_code == 405
    assert not Delivery.objects.exists()
    assert operator.post(button).headers["Location"] == address
    one = Delivery.objects.get()
    assert (one.step, one.channel) == ("test", channel)
    assert LogEntry.objects.get().change_message == "Zlecono wiadomość próbną"
    shown = operator.get(address).content.decode()
    assert shown.count(page("delivery", "change", one.pk)) == 2, "in the message and at the result"
    Delivery.objects.update(state="dead", error="403 Forbidden")
    shown = operator.get(address).content.decode()
    assert "nie doszło: 403 Forbidden" in shown


def test_a_test_needs_the_permission_the_token_of_the_form_and_settings(client: Client, channel: Channel) -> None:
    button = page("channel", "test", channel.pk)
    assert client.post(button).headers["Location"].startswith("/admin/login/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("operator"))
    assert strict.post(button).status_code == 403
    assert viewer(client).post(button).status_code == 403
    client.force_login(User.objects.get(username="operator"))
    Channel.objects.update(sealed="")
    client.post(button)
    assert client.post(page("channel", "test", channel.pk + 1)).status_code == 403
    assert not Delivery.objects.exists()


def test_several_channels_are_tried_at_once(operator: Client, channel: Channel) -> None:
    other = made("szef", sealed=channel.sealed)
    act(operator, "channel", "try_chosen", channel.pk, other.pk)
    assert list(Delivery.objects.order_by("channel").values_list("channel", flat=True)) == [channel.pk, other.pk]


# Messages


def test_a_message_is_looked_at_with_its_attempts(operator: Client, channel: Channel) -> None:
    one = message(channel, state="retry", error="500")
    Attempt.objects.create(delivery=one, number=1, started_at=clock.now(), milliseconds=1234, status=500, ok=False)
    content = operator.get(page("delivery", "change", one.pk)).content.decode()
    assert "1234" in content
    for filters in ({}, {"state": "retry"}, {"channel__id__exact": channel.pk}):
        assert operator.get(page("delivery", "changelist"), filters).status_code == 200
    assert operator.get(page("delivery", "add")).status_code == 403
    assert operator.post(page("delivery", "change", one.pk), {"state": "sent"}).status_code == 403
    assert operator.post(page("delivery", "delete", one.pk), {"post": "yes"}).status_code == 403


def test_what_did_not_arrive_is_tried_again_under_its_key_with_all_that_goes_with_it(
    operator: Client, channel: Channel, at: Callable[[str], None]
) -> None:
    lead = message(channel, state="dead", tries=12)
    member = message(channel, state="dead", lead=lead)
    other, sent = message(channel, state="dead"), message(channel, state="sent")
    at("2026-10-26 13:00")
    act(operator, "delivery", "retry", member.pk, sent.pk)
    rows = dict(Delivery.objects.values_list("pk", "state"))
    assert [rows[one.pk] for one in (lead, member, other, sent)] == ["retry", "retry", "dead", "sent"]
    assert [row.task["func"] for row in OrmQ.objects.all()] == ["signals.alerts.deliver.tasks.send_due"]
    again = Delivery.objects.get(pk=lead.pk)
    assert (again.key, again.due_at, again.tries) == (lead.key, clock.now(), 12)


def test_who_may_only_look_tries_nothing_again(client: Client, channel: Channel) -> None:
    one = message(channel, state="dead")
    act(viewer(client), "delivery", "retry", one.pk)
    assert Delivery.objects.get().state == "dead"
    assert not OrmQ.objects.exists()


# Silences


def silence(client: Client, **said: str) -> Any:
    moments = {"begins_at_0": "2026-10-26", "begins_at_1": "12:00", "until_0": "2026-10-26", "until_1": "14:00"}
    return client.post(page("silence", "add"), {"kind": "move", "comment": "prace", **moments, **said})


def test_a_silence_has_its_author_and_ends_when_somebody_ends_it(
    operator: Client, channel: Channel, at: Callable[[str], None]
) -> None:
    assert silence(operator, channel=str(channel.pk), author="ktoś").status_code == 302
    one = Silence.objects.get()
    assert (one.author, one.kind, one.channel) == ("operator", "move", channel)
    assert one.until - one.begins_at == timedelta(hours=2)
    assert operator.get(page("silence", "change", one.pk)).status_code == 200
    at("2026-10-26 13:00")
    act(operator, "silence", "end", one.pk)
    one.refresh_from_db()
    assert one.until == clock.now()
    at("2026-10-26 13:30")
    act(operator, "silence", "end", one.pk)
    one.refresh_from_db()
    assert one.until == clock.now() - timedelta(minutes=30), "it had ended then"


@walk("said", [{"until_1": "11:59"}, {"until_1": "12:00"}, {"begins_at_1": "15:00"}, {"kind": "rain"}])
def test_a_silence_that_is_over_or_of_nothing_is_refused(operator: Client, said: dict[str, str]) -> None:
    assert set(errors(silence(operator, **said))) <= {"until", "kind"}
    assert not Silence.objects.exists()


@pytest.mark.usefixtures("gecko")
def test_a_rule_that_has_stood_somewhere_and_was_silenced_is_deleted(operator: Client) -> None:
    moment = clock.now()
    rule = AlertRule.objects.create(kind="disk", created_at=moment)
    rule.states.create(subject="", state="armed", changed_at=moment)
    Silence.objects.create(rule=rule, begins_at=moment, until=moment + timedelta(hours=1), author="operator")
    assert operator.post(page("alertrule", "delete", rule.pk), {"post": "yes"}).status_code == 302
    assert not AlertRule.objects.exists()


def test_a_message_is_listed_with_what_it_is_about_in_words(
    operator: Client,
    channel: Channel,
    gecko: Source,  # noqa: F811  the fixture
) -> None:
    row = message(channel, step="resolved", event=alert_event())
    page = operator.get("/admin/alerts/delivery/").content.decode()
    assert "koniec alertu" in page
    assert "zmiana ceny BTCUSD" in page
    assert str(row.event) not in page, "a key says nothing to a person"
