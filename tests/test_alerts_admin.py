"""Alerts in the admin: rules by the same checks as in the API, events to look at and acknowledge, the defaults."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from markets import clock
from markets.models import Source
from signals.alerts.models import AlertDefaults, AlertEvent, AlertRule, AlertState
from tests.alert_rows import alert_event
from tests.cases import walk
from tests.market import instrument
from tests.test_alerts_api import gecko, noon  # noqa: F401  fixtures

pytestmark = pytest.mark.django_db
FIELDS = {
    "kind": "move", "window_minutes": "60", "threshold_pct": "5", "direction": "up", "cooldown_minutes": "60",
    "enabled": "on", "name": "", "source": "", "level": "", "rule": "", "timeframe": "", "hysteresis_pct": "",
}  # fmt: skip


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


def page(model: str, view: str, *args: object) -> str:
    return reverse(f"admin:alerts_{model}_{view}", args=args)


def add(client: Client, **said: str) -> Any:
    return client.post(page("alertrule", "add"), FIELDS | {"instrument": instrument("BTC").pk} | said)


@pytest.mark.slow
@pytest.mark.usefixtures("gecko")
def test_every_page_opens(operator: Client) -> None:
    add(operator)
    rule, row = AlertRule.objects.get(), alert_event()
    AlertState.objects.create(rule=rule, subject="BTCUSD", state="armed", changed_at=clock.now())
    AlertDefaults(window_minutes=30, threshold_pct=Decimal(1), changed_at=clock.now()).save()
    for model, key in (("alertrule", rule.pk), ("alertevent", row.pk), ("alertdefaults", 1),
                       ("alertstate", AlertState.objects.get().pk)):  # fmt: skip
        assert operator.get(page(model, "changelist")).status_code == 200
        assert operator.get(page(model, "change", key)).status_code == 200
    assert operator.get(page("alertrule", "add")).status_code == 200


def test_a_rule_is_made_with_its_source_and_its_maker(operator: Client, gecko: Source) -> None:  # noqa: F811
    assert add(operator, window_minutes="").status_code == 302
    rule = AlertRule.objects.get()
    assert (rule.source, rule.window_minutes, rule.created_by, rule.created_at) == (gecko, 60, "operator", clock.now())


@pytest.mark.slow
@pytest.mark.usefixtures("gecko")
@walk(
    ("said", "field"),
    [({"window_minutes": "0"}, "window_minutes"), ({"window_minutes": "99999"}, "window_minutes"),
     ({"threshold_pct": "2000"}, "threshold_pct"), ({"hysteresis_pct": "5"}, "hysteresis_pct"),
     ({"level": "4"}, "level"), ({"kind": "level"}, "level"), ({"kind": "disk"}, "instrument")],
)  # fmt: skip
def test_a_rule_without_a_meaning_is_refused_at_its_field(operator: Client, said: dict[str, str], field: str) -> None:
    errors = add(operator, **said).context["adminform"].form.errors
    assert field in errors
    assert not AlertRule.objects.exists()


@pytest.mark.usefixtures("gecko")
def test_a_rule_that_is_changed_arms_anew(operator: Client) -> None:
    add(operator)
    rule = AlertRule.objects.get()
    row = alert_event(rule=rule)
    AlertState.objects.create(rule=rule, subject="BTCUSD", state="firing", changed_at=clock.now(), event=row)
    change = page("alertrule", "change", rule.pk)
    fields = {name: value for name, value in FIELDS.items() if name != "kind"} | {"source": rule.source_id}
    fields["change_reason"] = "inna nazwa"
    assert operator.post(change, fields | {"name": "BTC"}).status_code == 302
    assert AlertState.objects.exists(), "another name is no other watch"
    assert operator.post(change, fields | {"threshold_pct": "7"}).status_code == 302
    rule.refresh_from_db()
    assert (rule.threshold_pct, AlertState.objects.exists()) == (Decimal(7), False)
    assert AlertEvent.objects.get().state == "resolved"
    assert operator.post(page("alertrule", "delete", rule.pk), {"post": "yes"}).status_code == 302
    assert (AlertRule.objects.exists(), AlertEvent.objects.count()) == (False, 1)


@pytest.mark.usefixtures("gecko")
def test_the_rule_of_the_defaults_changes_with_them_alone(operator: Client) -> None:
    fields = {"window_minutes": "30", "threshold_pct": "2.5", "direction": "both", "enabled": "on"}
    refused = operator.post(page("alertdefaults", "add"), fields | {"threshold_pct": "0"})
    assert "threshold_pct" in refused.context["adminform"].form.errors
    assert operator.post(page("alertdefaults", "add"), fields).status_code == 302
    rule = AlertRule.objects.get(automatic=True)
    assert (rule.window_minutes, AlertDefaults.objects.get().changed_by) == (30, "operator")
    assert operator.get(page("alertdefaults", "add")).status_code == 403, "there is one row"
    assert (
        operator.post(
            page("alertdefaults", "change", 1), fields | {"window_minutes": "45", "change_reason": "rzadziej"}
        ).status_code
        == 302
    )
    rule.refresh_from_db()
    assert (rule.window_minutes, AlertDefaults.objects.count()) == (45, 1)
    assert operator.post(page("alertrule", "change", rule.pk), FIELDS).status_code == 403
    assert operator.post(page("alertrule", "delete", rule.pk), {"post": "yes"}).status_code == 403
    operator.post(
        page("alertrule", "changelist"), {"action": "delete_selected", "_selected_action": [rule.pk], "post": "yes"}
    )
    assert AlertRule.objects.filter(automatic=True).exists()


@pytest.mark.usefixtures("gecko")
def test_events_are_acknowledged_and_nothing_else_is_done_to_them(operator: Client, at: Callable[[str], None]) -> None:
    rows = [alert_event(minutes_ago=1), alert_event(minutes_ago=2, state="resolved")]
    chosen = {"action": "acknowledge", "_selected_action": [row.pk for row in rows]}
    operator.post(page("alertevent", "changelist"), chosen)
    told = list(AlertEvent.objects.order_by("pk").values_list("state", "acknowledged_by"))
    assert told == [("acknowledged", "operator"), ("resolved", "operator")]
    operator.post(page("alertevent", "change", rows[0].pk), {"price": "1", "state": "open"})
    assert AlertEvent.objects.get(pk=rows[0].pk).price == Decimal("67321.5")
    assert operator.get(page("alertevent", "add")).status_code == 403
    assert operator.post(page("alertevent", "delete", rows[0].pk), {"post": "yes"}).status_code == 403


@pytest.mark.usefixtures("gecko")
def test_an_account_that_may_only_look_acknowledges_nothing(client: Client) -> None:
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="alerts", codename__startswith="view_"))
    client.force_login(user)
    row = alert_event()
    client.post(page("alertevent", "changelist"), {"action": "acknowledge", "_selected_action": [row.pk]})
    assert AlertEvent.objects.get().state == "open"
