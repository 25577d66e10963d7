"""Three groups, model by model: what the table says is what the admin lets them do, and what the API asks."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from charon import page_urls  # noqa: F401  the lists of the admin are loaded with the addresses
from charon.backoffice import groups
from markets.access import GRANTS, Scope
from markets.models import Source
from tests.test_access import guards

pytestmark = pytest.mark.django_db
NAMES = (groups.VIEWER, groups.OPERATOR, groups.ADMIN)


@pytest.fixture(autouse=True)
def written(nbp: Source) -> None:
    groups.write()


def member(client: Client, name: str) -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.groups.add(Group.objects.get(name=name))
    client.force_login(user)
    return client


def test_every_list_of_the_admin_has_its_line_in_the_table() -> None:
    assert set(groups.RIGHTS) == {model._meta.label_lower for model in admin.site._registry}
    known = {f"{one.content_type.app_label}.{one.codename}" for one in groups.permissions()}
    for place in range(len(NAMES)):
        assert known.issuperset(groups.wanted(place))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_each_group_sees_the_lists_that_the_table_gives_it(client: Client, name: str) -> None:
    member(client, name)
    front = client.get("/admin/").content.decode()
    for label, letters in groups.RIGHTS.items():
        app, model = label.split(".")
        mine = letters[NAMES.index(name)]
        address = reverse(f"admin:{app}_{model}_changelist")
        wanted = 403 if mine == "-" else 200
        assert client.get(address).status_code == wanted, (name, label)
        assert (f'href="{address}"' in front) == (wanted == 200), (name, label)
        if "a" not in mine:
            assert client.get(reverse(f"admin:{app}_{model}_add")).status_code == 403, (name, label)


def test_a_viewer_does_nothing_and_an_operator_gives_no_rights(client: Client, nbp: Source) -> None:
    do = reverse("admin:markets_source_do", args=[nbp.pk, "pause"])
    assert member(client, groups.VIEWER).post(do, {"confirmed": "yes"}).status_code == 403
    assert member(client, groups.OPERATOR).post(do, {"confirmed": "yes"}).status_code == 302
    assert client.get(reverse("admin:auth_user_add")).status_code == 403
    assert member(client, groups.ADMIN).get(reverse("admin:auth_user_add")).status_code == 200


def test_an_operator_may_do_in_the_admin_what_the_scope_may_do_in_the_api() -> None:
    may = groups.wanted(NAMES.index(groups.OPERATOR))
    assert may >= GRANTS[Scope.OPERATOR]
    for name, guard in guards().items():
        assert may.issuperset(guard.permissions), name


def test_the_groups_are_written_once_and_put_right_again() -> None:
    accounts: Any = Group.objects.get(name=groups.OPERATOR).user_set
    accounts.add(User.objects.create_user("kept"))
    group = Group.objects.get(name=groups.VIEWER)
    group.permissions.add(Permission.objects.get(codename="delete_user"))
    Group.objects.create(name="own").permissions.add(Permission.objects.get(codename="delete_user"))
    groups.write()
    groups.write()
    assert not group.permissions.filter(codename="delete_user").exists()
    assert Group.objects.get(name="own").permissions.exists(), "groups of the house stay"
    assert [Group.objects.filter(name=name).count() for name in NAMES] == [1, 1, 1]
    assert accounts.count() == 1
