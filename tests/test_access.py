"""One rule of rights: API and admin ask the same permission, and a token that is not valid is never the public."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings as charon
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory

from charon import page_urls  # noqa: F401  the lists of the admin are loaded with the addresses
from charon.api.addresses import NAMES
from charon.api.app import api
from markets.access import FOLLOW, GRANTS, READ_LOG, UNLICENSED, Scope
from markets.api.operator import Operator
from markets.models import Source
from tests.cases import walk
from tests.operations import operations
from tests.test_api_errors import error

pytestmark = pytest.mark.django_db
TOKEN = {"Authorization": "Bearer an-operator-s-program"}


@pytest.fixture(autouse=True)
def token(settings: Any) -> None:
    settings.API_TOKEN = "an-operator-s-program"


def guards() -> dict[str, Any]:
    """Every operation with `auth=`, and what it asks, as the code has it."""
    found = {}
    for _, router in api._routers:
        for view in router.path_operations.values():
            for one in view.operations:
                if one.auth_callbacks:
                    (guard,) = one.auth_callbacks
                    found[str(one.operation_id)] = guard
    return found


CLOSED = {str(one.described["operationId"]): one for one in operations() if one.closed}


def ask(client: Client, name: str, **headers: str) -> Any:
    one = CLOSED[name]
    body = '{"symbol": "BTC"}' if "requestBody" in one.described else ""
    return client.generic(one.method, one.address, data=body, content_type="application/json", headers=headers)


def account(client: Client, *permissions: str, staff: bool = True) -> User:
    user = User.objects.create_user("somebody", is_staff=staff)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client.force_login(user)
    return user


@pytest.mark.slow
def test_every_closed_operation_names_permissions_that_there_are() -> None:
    known = {
        f"{row.content_type.app_label}.{row.codename}" for row in Permission.objects.select_related("content_type")
    }
    assert guards().keys() == CLOSED.keys()
    for name, guard in guards().items():
        assert isinstance(guard, Operator), name
        assert guard.permissions, name
        assert known.issuperset(guard.permissions), name


@pytest.mark.slow
@walk("name", sorted(CLOSED))
def test_an_account_without_one_of_the_permissions_is_refused(client: Client, name: str) -> None:
    needed = guards()[name].permissions
    account(client)
    assert error(ask(client, name), 403)["code"] == "forbidden"
    for missing in needed:
        User.objects.all().delete()
        account(client, *(set(needed) - {missing}))
        assert missing in error(ask(client, name), 403)["message"]


@pytest.mark.slow
@walk("name", sorted(CLOSED))
def test_an_account_with_the_permissions_and_a_superuser_are_let_in(client: Client, name: str) -> None:
    account(client, *guards()[name].permissions)
    assert ask(client, name).status_code not in {401, 403}
    client.force_login(User.objects.create_superuser("operator"))
    assert ask(client, name).status_code not in {401, 403}


@walk("name", sorted(CLOSED))
def test_permissions_are_for_the_staff_alone(client: Client, name: str) -> None:
    account(client, *guards()[name].permissions, staff=False)
    assert error(ask(client, name), 403)["code"] == "forbidden"


@pytest.mark.slow
@walk("permission", sorted({one for guard in guards().values() for one in guard.permissions}))
def test_the_admin_never_allows_what_the_api_forbids(rf: RequestFactory, permission: str) -> None:
    """The view of the admin for the same rows asks the same permission."""
    app, codename = permission.split(".")
    action, _, model = codename.partition("_")
    (shown,) = (one for row, one in admin.site._registry.items() if row._meta.label_lower == f"{app}.{model}")

    def allowed(*permissions: str) -> bool:
        request = rf.get("/admin/")
        User.objects.all().delete()
        request.user = account(Client(), *permissions)
        return bool(getattr(shown, f"has_{action}_permission")(request))

    every = {
        f"{row.content_type.app_label}.{row.codename}" for row in Permission.objects.select_related("content_type")
    }
    assert not allowed(*(every - {permission, permission.replace("view_", "change_")})), "who may change may look"
    # Sources and aliases of code are added by code: the admin may be stricter than the API.
    assert allowed(permission) or (action == "add" and model == "source")


def test_rows_that_are_not_public_are_for_who_may_see_their_tables(client: Client, nbp: Source) -> None:
    Source.objects.update(public_api=False)
    account(client)
    assert client.get("/rates?code=USD&source=nbp").status_code in {403, 404}
    refused = client.get("/gold?source=nbp")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_public")
    User.objects.all().delete()
    account(client, *UNLICENSED)
    assert client.get("/gold?source=nbp").status_code == 200


def test_the_newest_lines_of_the_log_are_for_who_may_read_the_log(client: Client, nbp: Source) -> None:
    account(client)
    assert "Ostatnie wpisy" not in client.get("/status/").content.decode()
    User.objects.all().delete()
    account(client, *READ_LOG)
    assert client.get("/redis/log").status_code == 200


def test_the_scope_of_operators_has_every_right_of_the_api() -> None:
    asked = {one for guard in guards().values() for one in guard.permissions}
    assert GRANTS[Scope.OPERATOR] == asked | set(UNLICENSED)
    assert GRANTS[Scope.READ] == frozenset()
    assert set(FOLLOW) <= GRANTS[Scope.WRITE] < GRANTS[Scope.OPERATOR]


# A token that is not valid

WRONG = ["Bearer wrong", "Bearer ", "Bearer", "", "Basic YTpi", "Basic an-operator-s-program", "Digest x", "\u017c"]


@pytest.mark.slow
@walk("name", sorted(NAMES | {"assets/BTC", "none", ""}))
def test_a_wrong_token_is_401_at_every_address_of_the_api(client: Client, name: str) -> None:
    for path in (f"/{name}" if name in NAMES else "/api/none", f"/api/v1/{name}", f"/api/v1/{name}/"):
        for header in ("Bearer wrong", "Basic YTpi"):
            for method in (client.get, client.post, client.delete, client.head):
                response = method(path, headers={"Authorization": header})
                assert response.status_code == 401, (path, header)
                assert response.headers["WWW-Authenticate"] == "Bearer"
                assert response.headers["Cache-Control"] == "no-store"


@walk("header", WRONG)
def test_whatever_names_no_valid_token_is_no_public_reader(client: Client, header: str) -> None:
    told = error(client.get("/currencies", headers={"Authorization": header}), 401)
    assert "not valid" in told["message"]


def test_a_wrong_token_does_not_get_what_was_kept_for_the_public(client: Client, nbp: Source) -> None:
    for _ in range(2):
        assert client.get("/currencies").status_code == 200
    assert client.get("/currencies", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/currencies", headers=TOKEN).status_code == 200


def test_a_page_leaves_the_header_to_the_proxy_in_front_of_it(client: Client, nbp: Source) -> None:
    for path in ("/status/", "/miner/", "/admin/login/"):
        assert client.get(path, headers={"Authorization": "Basic YTpi"}).status_code == 200


def test_a_session_does_not_help_a_wrong_token(client: Client, nbp: Source) -> None:
    client.force_login(User.objects.create_superuser("operator"))
    assert client.get("/redis/log").status_code == 200
    assert client.get("/redis/log", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_refusal_is_logged_with_address_and_route_and_without_what_was_sent(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Authorization": "Bearer s3cret", "X-Request-ID": "a-known-id"}
    client.get("/rates?code=hidden", headers=headers, REMOTE_ADDR="192.0.2.7")
    client.get("/api/v1/hidden", headers=headers)
    account(client)
    client.delete("/assets/hidden", headers={"X-Request-ID": "a-known-id"})
    lines = [row.getMessage() for row in caplog.records if row.name == "charon.request_log"]
    assert lines == [
        "GET /api/v1/rates 401 to 192.0.2.7",
        "GET /? 401 to 127.0.0.1",
        "DELETE /api/v1/assets/<path:symbol> 403 to 127.0.0.1",
    ]


@pytest.mark.processes
@pytest.mark.parametrize(("token", "fault"), [("x" * 15, True), ("x" * 16, False), ("", False), ("  " * 10, False)])
def test_a_short_token_stops_the_start_with_one_line(token: str, fault: bool, tmp_path: Any) -> None:
    told = start(tmp_path, API_TOKEN=token)
    assert told.returncode == (1 if fault else 0), told.stderr
    if fault:
        assert told.stderr.strip().count("\n") == 0
        assert "API_TOKEN: must have at least 16 characters" in told.stderr
        assert token not in told.stderr


@pytest.mark.processes
@pytest.mark.parametrize("value", ["192.0.2.1/24", "proxy", "10.0.0.0/33", "::1/129"])
def test_a_network_that_is_none_stops_the_start_with_one_line(value: str, tmp_path: Any) -> None:
    told = start(tmp_path, TRUSTED_PROXIES=value)
    assert (told.returncode, told.stderr.strip().count("\n")) == (1, 0)
    assert "TRUSTED_PROXIES" in told.stderr


@pytest.mark.processes
def test_empty_variables_are_none(tmp_path: Any) -> None:
    told = start(tmp_path, TRUSTED_PROXIES="", ALLOWED_ORIGINS="", CSRF_TRUSTED_ORIGINS="", API_TOKEN="")
    assert told.returncode == 0, told.stderr
    assert "TRUSTED_PROXIES = ()" in told.stdout


@pytest.mark.processes
@pytest.mark.parametrize("name", ["LIMIT_READS", "LIMIT_WRITES", "LIMIT_HEAVY", "LIMIT_LOGINS"])
@pytest.mark.parametrize("value", ["-1", "many", "1.5"])
def test_a_limit_that_is_none_stops_the_start_with_one_line(name: str, value: str, tmp_path: Any) -> None:
    told = start(tmp_path, **{name: value})
    assert (told.returncode, told.stderr.strip().count("\n")) == (1, 0), told.stderr
    assert name in told.stderr


def start(folder: Any, **variables: str) -> Any:
    environment = {**os.environ, "ENV_FILE": os.devnull, "DATA_DIR": str(folder), "DATABASE_URL": "", **variables}
    environment["DJANGO_SETTINGS_MODULE"] = "charon.settings"
    command = [sys.executable, "manage.py", "diffsettings"]
    return subprocess.run(command, cwd=charon.BASE_DIR, env=environment, capture_output=True, text=True, check=False)


def test_a_page_without_the_right_is_calm_and_polish(client: Client) -> None:
    account(client)
    page = client.get("/admin/markets/rate/")
    assert page.status_code == 403
    assert "To konto nie ma prawa do tej strony" in page.content.decode()
