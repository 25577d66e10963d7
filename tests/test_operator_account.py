"""`manage.py admin` makes the operator's account, `up` names it, and the demo has one of its own."""

import io
import os
import pty
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client

from charon.management.commands import admin, demo, up
from tests.processes import MANAGE, Up, environment, manage

PASSWORD = "a-boat-over-the-Styx"


@pytest.fixture(autouse=True)
def prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' database is; whoever ends its connection ends their transaction."""
    monkeypatch.setattr(admin, "call_command", lambda *_, **__: None)
    monkeypatch.setattr(connection, "close", lambda: None)


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(admin.PASSWORD, PASSWORD)
    return PASSWORD


@pytest.mark.django_db
def test_a_script_makes_an_account_that_can_sign_in(password: str, client: Client, capsys: Any) -> None:
    assert not up.has_operator()
    call_command("admin", name="anna")
    assert up.has_operator()
    assert capsys.readouterr().out == "The account anna can sign in at /admin/.\n"
    assert client.login(username="anna", password=password)
    assert client.get("/admin/markets/").status_code == 200


@pytest.mark.django_db
def test_a_name_is_given_once_unless_its_password_is_meant(
    password: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("admin", name="anna")
    monkeypatch.setenv(admin.PASSWORD, "another-boat-over-it")
    with pytest.raises(CommandError, match="There is an account anna already"):
        call_command("admin", name="anna")
    assert client.login(username="anna", password=password)
    call_command("admin", name="anna", replace=True)
    assert not client.login(username="anna", password=password)
    assert get_user_model().objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "password"), [("anna", "1234"), ("anna", "annaanna"), ("an na", PASSWORD), ("x" * 151, PASSWORD)]
)
def test_what_is_no_name_or_too_easy_to_guess_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, password: str
) -> None:
    monkeypatch.setenv(admin.PASSWORD, password)
    with pytest.raises(CommandError) as refused:
        call_command("admin", name=name)
    assert password not in str(refused.value)
    assert not get_user_model().objects.exists()


@pytest.mark.django_db
def test_without_a_terminal_it_says_what_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError, match=f"give {admin.NAME} and {admin.PASSWORD}"):
        call_command("admin")


@pytest.mark.django_db
def test_a_closed_input_is_no_terminal_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(CommandError, match="There is no terminal to ask at"):
        call_command("admin", name="anna")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fault", "said"),
    [(EOFError(), "Nothing was made"), (UnicodeDecodeError("utf-8", b"\xb1", 0, 1, ""), "no text in UTF-8")],
    ids=["end", "encoding"],
)
@pytest.mark.parametrize("asked", ["builtins.input", "getpass.getpass"])
def test_a_terminal_that_ends_or_writes_no_utf_8_makes_no_account(
    monkeypatch: pytest.MonkeyPatch, asked: str, fault: Exception, said: str
) -> None:
    def answer(_question: str) -> str:
        raise fault

    monkeypatch.setattr(admin, "needs_terminal", lambda: None)
    monkeypatch.setattr("builtins.input", lambda _question: "anna")
    monkeypatch.setattr(asked, answer)
    with pytest.raises(CommandError, match=said):
        call_command("admin")
    assert not get_user_model().objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "password"), [("an\udcb1na", PASSWORD), ("anna", PASSWORD + "\udcb1")])
def test_what_a_script_gives_in_another_encoding_makes_no_account(
    monkeypatch: pytest.MonkeyPatch, name: str, password: str
) -> None:
    monkeypatch.setenv(admin.PASSWORD, password)
    with pytest.raises(CommandError, match="no text in UTF-8"):
        call_command("admin", name=name)
    assert not get_user_model().objects.exists()


@pytest.mark.processes
def test_at_a_terminal_it_asks_for_a_name_and_a_password_until_it_is_fit(tmp_path: Path) -> None:
    env = environment(tmp_path)
    child, terminal = pty.fork()
    if not child:
        os.execve(MANAGE[0], [*MANAGE, "admin"], env)
    said = b""
    for question, answer in (
        (b"Name of the account: ", b"anna"),
        (b"at least 15 characters", b"short"),
        (b"again: ", b"short"),
        (b"too short", PASSWORD.encode()),
        (b"again: ", PASSWORD.encode()),
    ):
        since = len(said)
        while question not in said[since:] or said.rstrip()[-1:] != b":":
            said += os.read(terminal, 1000)
        os.write(terminal, answer + b"\n")
    while b"can sign in" not in said:
        said += os.read(terminal, 1000)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert PASSWORD.encode() not in said
    running = Up(tmp_path).ready()
    try:
        assert "admin:" not in running.said()
    finally:
        running.end()


def test_the_demo_has_a_database_and_names_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DATABASE_URL": "postgres://real", "DB_HOST": "real", "PORT": "8123"}.items():
        monkeypatch.setenv(name, value)
    env = demo.environment({})
    assert (env["DATABASE_URL"], env["DB_HOST"], env["PORT"], env["DEMO"]) == ("", "", "8123", "1")
    assert env["REDIS_PREFIX"].startswith("demo:")


@pytest.mark.processes
def test_the_demo_prints_its_operator_who_can_sign_in_there_alone(
    tmp_path: Path, outgoing: set[tuple[str, int]]
) -> None:
    running = Up(tmp_path / "demo", command=[*MANAGE, "demo"]).ready()
    try:
        name, password = re.findall(r"admin: (\w+), password (\S+)", running.said())[0]
        shown = manage(
            "shell",
            "-v0",
            "-c",
            f"from django.contrib.auth import authenticate as a; print(a(username={name!r}, password={password!r}))",
            env=running.env,
        )
        assert shown.stdout == "demo\n", shown.stderr
        assert "no account yet" not in running.said()
    finally:
        running.process.terminate()
        running.process.wait(60)
        running.end()
