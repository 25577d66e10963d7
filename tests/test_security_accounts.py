"""Accounts of operators: which passwords are taken, how one is changed, and when a session ends."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as charon
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from charon.passwords import ComposedPasswordValidator, fewest_pieces
from markets import clock
from markets.models import Source
from markets.store import retention
from tests.cases import walk

LOGIN, HOME, LOGOUT, CHANGE = "/admin/login/", "/admin/", "/admin/logout/", "/admin/password_change/"
PHRASE, ANOTHER = "siedem mokrych kotów na dachu", "osiem suchych psów pod płotem"


@pytest.fixture
def ada(nbp: Source) -> User:
    return User.objects.create_superuser("ada", password=PHRASE)


def log_in(client: Client, password: str = PHRASE) -> Any:
    return client.post(LOGIN, {"username": "ada", "password": password})


def is_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


# Passwords


@pytest.mark.parametrize("password", [PHRASE, "x9 #q2 Ł!v7 (mZ", "correct horse battery staple", "ab1" * 40 + "węgorz"])
def test_fifteen_characters_of_any_kind_are_a_password(password: str) -> None:
    validate_password(password)


@pytest.mark.parametrize("password", ["siedem kotów", "tooshort", "12345678901234"])
def test_fewer_are_none(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password)


@pytest.mark.parametrize(
    "password",
    ["passwordpassword", "Password12345678", "a" * 100, "abcabcabcabcabcabc", "123456789012345", "charoncharon2026",
     "CharonNBP202611", "dragonmonkey1234", "qwertyuiop123456", "bitcoinoperator1"],
)  # fmt: skip
def test_what_is_put_together_from_guesses_is_none(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password)


def test_a_password_like_the_name_of_its_account_is_none() -> None:
    with pytest.raises(ValidationError):
        validate_password("katarzyna.wisniewska", User(username="katarzyna.wisniewsk"))


@pytest.mark.slow
def test_more_than_three_thousand_guesses_of_that_length_are_known() -> None:
    known = ComposedPasswordValidator().passwords
    doubled = [word * 2 for word in known if len(word) >= 8]
    assert len(doubled) > 3000
    assert all(fewest_pieces(password, known) <= 2 for password in doubled[:3000])


def test_pieces_are_known_words_short_numbers_and_single_signs() -> None:
    found = {
        text: fewest_pieces(text, {"siedem", "kot"}) for text in ("siedem mokrych", "siedem1234kot", "ab" * 50, "")
    }
    assert found == {"siedem mokrych": 9, "siedem1234kot": 3, "ab" * 50: 2, "": 0}


def test_a_new_installation_has_no_account(nbp: Source) -> None:
    assert not User.objects.exists()


# Changing one


def test_the_old_password_is_asked_for_and_the_new_one_judged(client: Client, ada: User) -> None:
    log_in(client)
    for old, new in (("wrong", ANOTHER), ("", ANOTHER), (PHRASE, "passwordpassword"), (PHRASE, "short")):
        answer = client.post(CHANGE, {"old_password": old, "new_password1": new, "new_password2": new})
        assert answer.status_code == 200, new
    ada.refresh_from_db()
    assert ada.check_password(PHRASE)
    told = client.post(CHANGE, {"old_password": PHRASE, "new_password1": ANOTHER, "new_password2": ANOTHER})
    ada.refresh_from_db()
    assert (told.status_code, ada.check_password(ANOTHER)) == (302, True)


def test_a_changed_password_ends_every_other_session(client: Client, ada: User) -> None:
    other = Client()
    log_in(client), log_in(other)
    client.post(CHANGE, {"old_password": PHRASE, "new_password1": ANOTHER, "new_password2": ANOTHER})
    assert (is_in(client), is_in(other)) == (True, False)


@walk("path", [LOGIN, CHANGE])
def test_fields_of_passwords_are_masked_and_take_what_is_pasted(client: Client, ada: User, path: str) -> None:
    if path == CHANGE:
        client.force_login(ada)
    page = client.get(path).content.decode()
    fields = [field for field in re.findall(r"<input[^>]*>", page) if "password" in field]
    assert fields
    assert all('type="password"' in field for field in fields)
    assert "onpaste" not in page
    assert 'autocomplete="off"' not in page


def test_a_password_is_checked_as_it_was_typed(client: Client, ada: User) -> None:
    for changed in (PHRASE.upper(), f" {PHRASE}", f"{PHRASE} ", PHRASE[:-1], PHRASE.replace("ó", "o")):
        log_in(client, changed)
        assert not is_in(client), changed
    log_in(client)
    assert is_in(client)


def test_a_failed_login_does_not_tell_whether_the_account_is_there(client: Client, ada: User) -> None:
    pages = [client.post(LOGIN, {"username": name, "password": "wrong"}).content.decode() for name in ("ada", "eve")]
    errors = [page.partition('class="errornote"')[2].partition("</p>")[0] for page in pages]
    assert errors[0] == errors[1] != ""


def test_nobody_is_asked_a_secret_question(client: Client, nbp: Source) -> None:
    assert client.get("/admin/password_reset/").status_code in {302, 404}
    assert "password_reset" not in client.get(LOGIN).content.decode()


# Sessions


def test_a_login_gets_a_session_of_its_own(client: Client, ada: User) -> None:
    client.cookies["sessionid"] = "a" * 32
    log_in(client)
    first = client.cookies["sessionid"].value
    log_in(client)
    again = client.cookies["sessionid"].value
    assert len({"a" * 32, first, again}) == 3
    assert not Session.objects.filter(pk=first).exists(), "the session before is over"


def test_a_session_has_more_than_128_random_bits_that_no_script_reads(client: Client, ada: User) -> None:
    log_in(client)
    cookie = client.cookies["sessionid"]
    assert (len(cookie.value), cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (32, True, "Lax", 43200)


def test_a_logout_ends_the_session_here_and_in_the_browser(client: Client, ada: User) -> None:
    log_in(client)
    stolen = Client()
    stolen.cookies["sessionid"] = client.cookies["sessionid"].value
    assert is_in(stolen)
    answer = client.post(LOGOUT)
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert (is_in(client), is_in(stolen), Session.objects.count()) == (False, False, 0)


@pytest.mark.slow
def test_pages_of_a_session_are_kept_by_no_cache(client: Client, ada: User) -> None:
    log_in(client)
    for path in (HOME, reverse("admin:markets_apitoken_changelist"), "/ui/settings"):
        rule = client.get(path).headers["Cache-Control"]
        assert {"no-store", "private"} <= set(rule.split(", ")), path


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, None])
def test_an_account_that_is_closed_or_deleted_is_out_at_once(client: Client, ada: User, change: Any) -> None:
    log_in(client)
    assert is_in(client)
    if change is None:
        ada.delete()
    else:
        User.objects.filter(pk=ada.pk).update(**change)
    assert not is_in(client)
    assert client.get("/redis/log").status_code in {401, 403}


def test_sessions_that_are_over_are_forgotten_by_the_nightly_task(client: Client, ada: User) -> None:
    log_in(client)
    retention.prune_callers()
    assert Session.objects.count() == 1
    Session.objects.update(expire_date=clock.now())
    retention.prune_callers()
    assert Session.objects.count() == 0


def test_over_https_a_cookie_is_of_this_host_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    for url, told in (("https://rates.example.org", ["__Host-sessionid", "__Host-csrftoken", True, True]),
                      ("http://rates.example.org", [None, None, None, None])):  # fmt: skip
        monkeypatch.setenv("PUBLIC_URL", url)
        found = runpy.run_path(str(Path(charon.BASE_DIR) / "charon" / "settings.py"))
        assert [found.get(name) for name in names] == told
        assert "SESSION_COOKIE_DOMAIN" not in found
        assert "SESSION_COOKIE_PATH" not in found


def test_no_message_has_a_cookie_of_its_own(client: Client, ada: User) -> None:
    answer = client.post(reverse("admin:markets_source_changelist"), {"action": "none"})
    assert set(answer.cookies) <= {"sessionid", "csrftoken"}
