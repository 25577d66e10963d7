"""PUBLIC_URL: what an installation behind a proxy that ends HTTPS does, and what no stranger's header can change."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as charon
from django.contrib.auth.models import User
from django.test import Client

from markets.models import Source
from tests.test_access import start

HTTPS = {"X-Forwarded-Proto": "https"}


def manage(folder: Path, *words: str, **variables: str) -> Any:
    environment = {**os.environ, "ENV_FILE": os.devnull, "DATA_DIR": str(folder), "DATABASE_URL": "", **variables}
    environment["DJANGO_SETTINGS_MODULE"] = "charon.settings"
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=charon.BASE_DIR, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.processes
def test_the_check_of_a_deployment_finds_nothing(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", PUBLIC_URL="https://rates.example.org")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr


@pytest.mark.processes
def test_without_it_the_check_warns_of_cookies(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", "--deploy")
    assert {word for word in done.stderr.split() if "security.W" in word} >= {"(security.W012)", "(security.W016)"}


@pytest.mark.processes
@pytest.mark.parametrize(
    "value",
    ["rates.example.org", "https://", "ftp://rates.example.org", "https://rates.example.org/charon", "https://a b",
     "https://user@rates.example.org", "https://rates.example.org:x", "https://rates.example.org:0", "https://*.example",
     "https://rates.example.org?x=1", "https://rates.example.org#x", "https://[::1", "https://a,https://b", "https://-a"],
)  # fmt: skip
def test_a_wrong_one_stops_the_start_with_one_line(value: str, tmp_path: Path) -> None:
    told = start(tmp_path, PUBLIC_URL=value)
    assert (told.returncode, told.stderr.strip().count("\n")) == (1, 0), told.stderr
    assert "PUBLIC_URL: " in told.stderr


@pytest.mark.processes
def test_a_contact_that_is_none_stops_the_start_with_one_line(tmp_path: Path) -> None:
    told = start(tmp_path, SECURITY_CONTACT="somebody")
    assert (told.returncode, told.stderr.strip().count("\n")) == (1, 0), told.stderr
    assert "SECURITY_CONTACT: " in told.stderr


SHOWN = ("PUBLIC_URL", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE",
         "SECURE_HSTS_SECONDS", "SECURE_PROXY_SSL_HEADER", "SESSION_COOKIE_AGE")  # fmt: skip


@pytest.mark.processes
@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, ["", ["localhost", "127.0.0.1", "[::1]", "127.0.0.1"], [], False, False, 0, None, 43200]),
        (
            {"PUBLIC_URL": "https://Rates.example.org/", "HOST": "0.0.0.0"},
            ["https://rates.example.org", ["localhost", "127.0.0.1", "[::1]", "0.0.0.0", "rates.example.org"],
             ["https://rates.example.org"], True, True, 31536000, ("HTTP_X_FORWARDED_PROTO", "https"), 43200],
        ),
        (
            {"PUBLIC_URL": "http://rates.example.org:8080", "ALLOWED_HOSTS": "inner"},
            ["http://rates.example.org:8080", ["inner", "rates.example.org"], ["http://rates.example.org:8080"],
             False, False, 0, None, 43200],
        ),
        (
            {"PUBLIC_URL": "https://[2001:db8::1]:443", "ALLOWED_HOSTS": "inner"},
            ["https://[2001:db8::1]", ["inner", "[2001:db8::1]"], ["https://[2001:db8::1]"],
             True, True, 31536000, ("HTTP_X_FORWARDED_PROTO", "https"), 43200],
        ),
    ],
)  # fmt: skip
def test_it_turns_on_what_https_needs(variables: dict[str, str], told: list[object], tmp_path: Path) -> None:
    script = f"from django.conf import settings; print([getattr(settings, name) for name in {SHOWN}])"
    done = manage(tmp_path, "shell", "--no-imports", "-c", script, **variables)
    assert done.stdout.strip().splitlines()[-1] == str(told), done.stderr


@pytest.fixture
def https(settings: Any, nbp: Source) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TRUSTED_PROXIES = ("192.0.2.0/24",)


def test_the_proxy_says_that_it_was_https(https: None, client: Client) -> None:
    answer = client.get("/admin/login/", headers=HTTPS, REMOTE_ADDR="192.0.2.9")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.cookies["csrftoken"]["secure"]
    User.objects.create_superuser("operator", password="a-long-password")
    form = {"username": "operator", "password": "a-long-password"}
    answer = client.post("/admin/login/", form, headers=HTTPS, REMOTE_ADDR="192.0.2.9")
    session = answer.cookies["sessionid"]
    assert (session["secure"], session["httponly"], session["max-age"]) == (True, True, 12 * 3600)


@pytest.mark.parametrize("peer", ["198.51.100.7", "", "2001:db8::1"])
def test_a_stranger_who_says_so_is_not_believed(https: None, client: Client, peer: str) -> None:
    assert "Strict-Transport-Security" not in client.get("/", headers=HTTPS, REMOTE_ADDR=peer).headers


@pytest.mark.parametrize(
    "path", ["/", "/nie-ma/", "/rates", "/rates?x=1", "/api/none", "/docs", "/static/app.css", "/static/none.css",
             "/admin/login/", "/robots.txt", "/favicon.ico", "/.well-known/security.txt", "/api/v1/stream"],
)  # fmt: skip
def test_no_browser_guesses_the_type_of_any_answer(nbp: Source, path: str) -> None:
    answer = Client().get(path)
    answer.close()
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_nor_of_an_error_or_a_refusal(nbp: Source, settings: Any) -> None:
    client = Client(raise_request_exception=False)
    refused = [client.get("/", headers={"Host": "evil.example"}), client.get("/rates", headers={"Authorization": "x"})]
    settings.LIMIT_READS = 1
    refused += [client.get("/"), client.get("/"), client.get("/rates")]
    assert {answer.headers["X-Content-Type-Options"] for answer in refused} == {"nosniff"}
    assert {answer.status_code for answer in refused} == {200, 400, 401, 429}


# What every site is asked for


def test_security_txt_says_whom_to_tell_and_until_when(client: Client, settings: Any, at: Any) -> None:
    at("2026-11-20 12:00")
    settings.SECURITY_CONTACT, settings.PUBLIC_URL = "mailto:security@example.org", "https://rates.example.org"
    answer = client.get("/.well-known/security.txt")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    told = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    assert told["Contact"] == "mailto:security@example.org"
    assert told["Canonical"] == "https://rates.example.org/.well-known/security.txt"
    expires = datetime.fromisoformat(told["Expires"])
    assert datetime(2026, 11, 21, tzinfo=UTC) < expires < datetime(2027, 11, 20, tzinfo=UTC)


def test_without_a_contact_there_is_none(client: Client, settings: Any, db: None) -> None:
    settings.SECURITY_CONTACT = ""
    User.objects.create_superuser("operator", email="private@example.org")
    answer = client.get("/.well-known/security.txt")
    assert answer.status_code == 404
    assert b"private@" not in answer.content


def test_search_engines_are_kept_from_the_admin(client: Client) -> None:
    answer = client.get("/robots.txt")
    assert answer.status_code == 200
    assert "Disallow: /admin/" in answer.content.decode()


@pytest.mark.django_db
def test_browsers_find_the_picture(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/static/favicon.svg")
    picture = client.get(answer.headers["Location"])
    picture.close()
    assert picture.headers["Content-Type"] == "image/svg+xml"


@pytest.mark.parametrize("path", ["/robots.txt", "/favicon.ico", "/.well-known/security.txt"])
def test_they_are_only_read(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
