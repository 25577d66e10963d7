"""What operators set going: mine now, compute again; and what they see of the brain."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from markets import store
from markets.models import Job, Source
from markets.records import Figure, Table
from signals import tasks
from signals.models import AnalysisSnapshot, Signal
from tests.test_brain import wave


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def decided(nbp: Source, job: Job, at: Callable[[str], None]) -> AnalysisSnapshot:
    at("2026-11-20 13:00")
    store.save([Table("A", day, [Figure("USD", mid=value)]) for day, value in wave(300)], nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
    tasks.catch_up()
    OrmQ.objects.all().delete()
    return AnalysisSnapshot.objects.get(window="30d")


def queued() -> list[tuple[str, tuple[object, ...]]]:
    packages = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("pk")]
    return [(task["func"], tuple(task["args"])) for task in packages]


def act(operator: Client, model: str, action: str, *rows: int) -> None:
    response = operator.post(
        reverse(f"admin:{model}_changelist"), {"action": action, "_selected_action": [str(row) for row in rows]}
    )
    assert response.status_code == 302


def test_mine_now_enqueues_the_chosen_sources(operator: Client, nbp: Source) -> None:
    act(operator, "markets_source", "mine_now", nbp.pk)
    assert queued() == [("miner.tasks.mine", ("nbp",))]


def test_mine_now_says_that_a_source_is_switched_off(operator: Client, nbp: Source) -> None:
    Source.objects.update(enabled=False)
    act(operator, "markets_source", "mine_now", nbp.pk)
    assert queued() == []
    assert "Wyłączone lub wstrzymane: nbp" in operator.get(reverse("admin:markets_source_changelist")).content.decode()


def test_recompute_enqueues_each_instrument_once(operator: Client, decided: AnalysisSnapshot) -> None:
    act(operator, "signals_analysissnapshot", "recompute", *AnalysisSnapshot.objects.values_list("pk", flat=True))
    assert queued() == [("signals.tasks.recompute", (["USD"],))]


def test_a_recompute_restores_a_state_that_was_spoilt(decided: AnalysisSnapshot) -> None:
    right = decided.state
    AnalysisSnapshot.objects.update(state={**right, "averages": [1.0, 1.0, 1.0, 300.0]})
    assert tasks.recompute(["USD"]) == 0
    decided.refresh_from_db()
    assert decided.state == right


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
    assert queued() == []
