"""Attacks that must come to nothing: what is echoed, where a login leads, forms of others, files, hosts."""

import re
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, reverse

from charon.api import sse
from charon.page_urls import page_urls
from markets.models import Source
from tests.cases import walk
from tests.texts import python_files, templates

MARKUP = "'\"><script>alert(1)</script>"
LOGIN, HOME = "/admin/login/", "/admin/"
# The names that pages read: of their forms, and those that links alone have.
IN_FORMS = re.compile(r'<(?:input|select|textarea)[^>]* name="([a-z_]+)"')
IN_LINKS = {"zakres", "sort", "lang", "interwal", "tabela", "filtr", "rok", "miesiac", "strona", "next", "format", "q"}


def plain_pages() -> list[str]:
    """Every page that needs no argument."""
    named = [one for one in page_urls if isinstance(one, URLPattern) and "<" not in str(one.pattern)]
    return [reverse(str(one.name)) for one in named]


def names_read() -> set[str]:
    return IN_LINKS | {name for path in templates() for name in IN_FORMS.findall(path.read_text())}


# Encoding


@pytest.mark.slow
def test_no_page_gives_markup_back_that_stood_in_a_parameter(client: Client, nbp: Source) -> None:
    asked = dict.fromkeys(names_read(), MARKUP)
    assert len(asked) > 30
    for path in [*plain_pages(), "/waluty/USD/", "/zloto/", "/krypto/BTC/", "/embed/USD", "/csv/rate"]:
        page = client.get(path, asked).content.decode()
        assert "<script>alert" not in page, path
        assert "'\"><" not in page, path


STRANGE = [f"/waluty/{MARKUP}/", f"/krypto/{MARKUP}/", f"/tabele/A/{MARKUP}/", f"/alerty/potwierdz/{MARKUP}/",
           f"/{MARKUP}", f"/rates?code={MARKUP}", f"/feeds/signals/{MARKUP}.atom", f"/badge/{MARKUP}.svg"]  # fmt: skip


@walk("path", STRANGE)
def test_nor_markup_that_stood_in_an_address(client: Client, nbp: Source, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in {400, 404, 422}
    if not answer.headers["Content-Type"].startswith("application/json"):
        assert "<script>alert" not in answer.content.decode()


def test_no_template_switches_escaping_off() -> None:
    """But that of /docs, once: JSON of our own settings, where a browser reads no entities."""
    found = {path: re.findall(r"\|\s*safe\b|autoescape\s+off|safeseq", path.read_text()) for path in templates()}
    assert {path.name: words for path, words in found.items() if words} == {"swagger.html": ["|safe"]}


@walk("value", ["1\r\nSet-Cookie: a=b", "a\nb", "x" * 5000])
def test_an_id_of_a_stranger_splits_no_header(client: Client, nbp: Source, value: str) -> None:
    answer = client.get("/rates", headers={"X-Request-ID": value})
    assert value not in answer.headers["X-Request-ID"]
    assert "a" not in answer.cookies


@pytest.mark.slow
@walk("words", ["USD' OR '1'='1", "USD;DROP TABLE markets_rate", 'USD" UNION SELECT 1--', "%00", "USD\0"])
def test_a_filter_is_a_value_and_no_sql(client: Client, nbp: Source, words: str) -> None:
    for path, name in (("/rates", "code"), ("/jobs", "type"), ("/gaps", "source"), ("/sygnaly/", "instrument")):
        assert client.get(path, {name: words}).status_code in {200, 400, 404, 422}, path
    assert Source.objects.exists()


# Pages in browsers


@pytest.mark.slow
def test_every_page_stays_out_of_frames_and_windows_of_others(client: Client, nbp: Source) -> None:
    for path in [*plain_pages(), LOGIN, "/nie-ma/"]:
        answer = client.get(path)
        if not answer.headers["Content-Type"].startswith("text/html"):
            continue
        assert answer.headers["X-Frame-Options"] == "DENY", path
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", path
        assert answer.headers["Referrer-Policy"] == "same-origin", path
        if answer.status_code != 302:
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path


def test_a_form_of_another_site_changes_nothing_on_any_page(nbp: Source) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("ada", password="x"))
    for path in [*plain_pages(), LOGIN, reverse("admin:logout"), reverse("admin:password_change")]:
        assert client.post(path, {"symbol": "BTC"}).status_code in {403, 405}, path


@walk("method", ["TRACE", "CONNECT", "PROPFIND", "DEBUG"])
def test_a_method_that_nobody_needs_is_refused(client: Client, nbp: Source, method: str) -> None:
    for path in ("/", "/rates", LOGIN):
        assert client.generic(method, path).status_code in {403, 405}, path


def test_no_header_and_no_field_makes_another_method_of_a_request(client: Client, nbp: Source, settings: Any) -> None:
    client.force_login(User.objects.create_superuser("ada", password="x"))
    forged = {"X-HTTP-Method-Override": "POST", "X-Method-Override": "DELETE", "X-HTTP-Method": "DELETE"}
    assert client.get("/batch/run?_method=POST", headers=forged).status_code in {405, 422}
    assert client.get("/batch/run", headers=forged).status_code == 405
    assert client.get(reverse("admin:logout"), headers=forged).status_code == 405


@walk("path", ["/static/../charon/settings.py", "/static/%2e%2e/charon/settings.py", "/static/..%2f..%2fetc/passwd",
               "/static//etc/passwd", "/static/%00", "/.git/config", "/.env", "/static/.env", "/data/charon.sqlite3",
               "/secret_key", "/static/", "/manage.py"])  # fmt: skip
def test_no_path_leads_out_of_the_static_files(client: Client, nbp: Source, path: str) -> None:
    assert client.get(path).status_code in {400, 404}


def test_a_host_that_is_not_ours_is_refused_and_never_repeated(client: Client, nbp: Source) -> None:
    for path in ("/", "/rates", LOGIN, "/robots.txt", "/sitemap.xml"):
        answer = client.get(path, headers={"Host": "evil.example"})
        assert (answer.status_code, b"evil.example" in answer.content) == (400, False), path
        answer = client.get(path, headers={"X-Forwarded-Host": "evil.example"})
        assert b"evil.example" not in answer.content, path


@walk("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "https:evil.example", "javascript:x()",
                 "///evil.example", "\thttps://evil.example", "http://testserver@evil.example/"])  # fmt: skip
def test_a_login_leads_to_no_other_site(client: Client, nbp: Source, target: str) -> None:
    User.objects.create_superuser("ada", password="x")
    answer = client.post(f"{LOGIN}?next=/", {"username": "ada", "password": "x", "next": target})
    assert (answer.status_code, answer.headers["Location"]) == (302, HOME)


# Files


@walk("name, body", [("kwoty.xlsx", b"17.03.2025;1500;USD"), ("kwoty", b"17.03.2025;1500;USD"), ("a.php", b"1"),
                     ("kwoty.csv", b"PK\3\4\0\0"), ("kwoty.csv", b"%PDF-1.7\0")])  # fmt: skip
def test_a_file_that_is_no_text_by_name_or_by_content_is_refused(
    client: Client, nbp: Source, name: str, body: bytes
) -> None:
    answer = client.post("/kurs-podatkowy/lista/", {"plik": SimpleUploadedFile(name, body), "regula": "pit"})
    assert answer.status_code == 422
    assert "nie jest tekstem" in answer.content.decode()


# Transport, and what is not used at all


def test_providers_are_asked_over_tls_1_2_or_newer_with_a_certificate_that_holds() -> None:
    context = httpx.create_ssl_context(trust_env=False)
    assert (context.minimum_version.name, context.check_hostname) == ("TLSv1_2", True)
    assert context.verify_mode.name == "CERT_REQUIRED"


def test_live_says_that_only_https_may_be_used_where_it_is(settings: Any) -> None:
    assert sse.https_headers() == []
    settings.SECURE_HSTS_SECONDS = 31536000
    assert sse.https_headers() == [(b"strict-transport-security", b"max-age=31536000")]


FORBIDDEN = (r"\beval\(", r"\bexec\(", r"\bmd5\b", r"\bsha1\b", r"\bpickle\b", r"yaml\.load", r"shell=True",
             r"os\.system", r"MODE_ECB|modes\.", r"verify=False", r"_create_unverified", "websocket")  # fmt: skip


@pytest.mark.parametrize("word", FORBIDDEN)
def test_the_code_has_no(word: str) -> None:
    for path in python_files():
        assert not re.search(word, path.read_text(encoding="utf-8")), path
