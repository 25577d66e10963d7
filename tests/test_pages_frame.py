"""What frames every page: its head, its local files, the pages for errors."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.utils.html import strip_tags

from charon import middleware
from markets.models import Source
from markets.queries import overview

VENDOR = Path(settings.BASE_DIR) / "static" / "vendor"
TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))


def test_vendored_files_are_the_bytes_of_their_release() -> None:
    listed = json.loads((VENDOR / "vendor.json").read_text())
    for name, facts in listed.items():
        digest = base64.b64encode(hashlib.sha384((VENDOR / name).read_bytes()).digest()).decode()
        assert f"sha384-{digest}" == facts["integrity"], name
        assert facts["version"] in name
        assert (VENDOR / facts["licence_file"]).stat().st_size > 300
    licences = {facts["licence_file"] for facts in listed.values()}
    assert {path.name for path in VENDOR.iterdir()} == {*listed, *licences, "vendor.json"}


@pytest.mark.parametrize("path", ["/", "/sygnaly/", "/alerty/", "/alerty/podglad/", "/miner/"])
def test_a_page_is_polish_and_everything_it_loads_is_here(client: Client, nbp: Source, path: str) -> None:
    content = client.get(path).content.decode()
    assert '<html lang="pl">' in content
    assert 'href="#tresc"' in content
    assert 'id="tresc"' in content
    loaded = re.findall(r'(?:src|href)="([^"]+)"', content)
    assert [address for address in loaded if not address.startswith(("/", "#"))] == []
    files = [address for address in loaded if address.startswith("/static/")]
    assert len(files) >= 5
    for address in files:
        assert finders.find(address.removeprefix("/static/")), address


@pytest.mark.parametrize("path", ["/", "/waluty/", "/zloto/", "/sygnaly/", "/alerty/", "/miner/", "/status/"])
def test_the_page_of_the_menu_is_marked(client: Client, nbp: Source, path: str) -> None:
    assert re.search(f'<a href="{path}"[^>]* aria-current="page">', client.get(path).content.decode())


def test_a_currency_is_under_its_tab_of_the_menu(client: Client, nbp: Source) -> None:
    content = client.get("/waluty/EUR/").content.decode()
    marked = re.findall('<a href="([^"]+)"[^>]* aria-current="([^"]+)">', content)
    assert {address for address, kind in marked if kind == "true"} == {"/waluty/"}
    assert {kind for _address, kind in marked} == {"true"}


def test_a_list_of_the_admin_counts_in_polish(admin_client: Client, nbp: Source) -> None:
    shown = strip_tags(admin_client.get("/admin/markets/source/").content.decode())
    assert re.search(r"^razem \d+$", shown, re.M)
    assert not re.search(r"\d+ źródł", shown)


def test_htmx_needs_no_eval_and_writes_no_styles(client: Client, nbp: Source) -> None:
    meta = re.search(r"<meta name=\"htmx-config\" content='([^']+)'>", client.get("/").content.decode())
    assert meta is not None
    config = json.loads(meta[1])
    assert (config["allowEval"], config["includeIndicatorStyles"]) == (False, False)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_script_or_style_within(path: Path) -> None:
    text = path.read_text()
    assert not INLINE.search(text)
    assert not re.search(r"https?://", text)


def test_style_and_script_ask_nobody_else() -> None:
    for name in ("alerts.js", "app.css", "app.js", "redoc.js", "table.js", "favicon.svg"):
        text = (VENDOR.parent / name).read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|@import|\beval\(|new Function|innerHTML", text), name


@pytest.mark.django_db
def test_a_wrong_address_leads_home_in_polish(client: Client) -> None:
    response = client.get("/nie-ma-takiej/")
    assert response.status_code == 404
    content = response.content.decode()
    assert "Nie ma takiej strony" in content
    assert '<a href="/">Przejdź na pulpit</a>' in content
    assert "nie-ma-takiej" not in strip_tags(content)


def test_the_page_for_faults_needs_no_context_and_no_database() -> None:
    content = render_to_string("500.html")
    assert "Coś poszło nie tak" in content
    assert '<a href="/">Przejdź na pulpit</a>' in content


@pytest.mark.django_db
def test_a_fault_shows_that_page_and_nothing_of_itself(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(overview, "board", broken)
    client.raise_request_exception = False
    response = client.get("/", headers={"X-Request-ID": "abcd-1234"})
    assert response.status_code == 500
    content = response.content.decode()
    assert "Coś poszło nie tak" in content
    assert "Numer zdarzenia: <code>abcd-1234</code>" in content
    assert '<a href="/status/">' in content
    assert "secret detail" not in content


def test_a_fault_of_the_page_for_faults_still_names_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> str:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(middleware, "render_to_string", broken)
    request = RequestFactory().get("/")
    request.META["charon.request_id"] = "abcd-1234"
    response = middleware.server_error(request)
    assert response.status_code == 500
    assert response.content.decode() == "Coś poszło nie tak. Numer zdarzenia: abcd-1234"
    assert middleware.server_error(RequestFactory().get("/")).status_code == 500


@pytest.fixture
def operator(client: Client, nbp: Source) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


def policy_of(path: str) -> dict[str, str]:
    header = Client().get(path).headers.get("Content-Security-Policy", "")
    return {name: value for name, _space, value in (part.strip().partition(" ") for part in header.split(";"))}


@pytest.mark.parametrize("path", ["/", "/alerty/", "/miner/", "/nie-ma-takiej/"])
def test_a_page_may_load_its_own_files_and_the_cdn_only(nbp: Source, path: str, settings: Any) -> None:
    settings.CDN_ENABLED = True
    assert policy_of(path) == {
        "default-src": "'self'",
        "img-src": "'self' data:",
        "script-src": "'self' https://cdn.jsdelivr.net/npm/chart.js@4.6.1/dist/chart.umd.min.js "
        "https://cdn.jsdelivr.net/npm/chartjs-chart-financial@0.2.1/dist/chartjs-chart-financial.min.js",
        "style-src": "'self'",
        "connect-src": "'self'",
        "object-src": "'none'",
        "frame-ancestors": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
    }
    settings.CDN_ENABLED = False
    assert policy_of(path)["script-src"] == "'self'"


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_documentation_runs_the_scripts_of_this_answer_alone(client: Client, path: str) -> None:
    first, second = client.get(path), client.get(path)
    nonces = [re.findall(r"'nonce-([\w-]{20,})'", one.headers["Content-Security-Policy"])[0] for one in (first, second)]
    assert nonces[0] != nonces[1]
    assert policy_of(path)["script-src"].startswith("'self' 'nonce-")
    assert first.content.count(b"<script") == first.content.count(f'<script nonce="{nonces[0]}"'.encode()) > 0
    assert first.headers["Cache-Control"] == "no-store"


def test_the_admin_loads_its_own_files_alone(operator: Client) -> None:
    for path in ("/admin/login/", "/admin/", "/admin/markets/source/"):
        policy = operator.get(path).headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy


INLINE = re.compile(r"<style|<script(?![^>]*(?:src=|type=.application/json))| on[a-z]+=|\sstyle=|javascript:")


@pytest.mark.parametrize("path", ["/", "/miner/", "/waluty/", "/zloto/", "/sygnaly/", "/alerty/",
                                  "/alerty/podglad/?instrument=x", "/status/", "/nie-ma/", "/admin/login/",
                                  "/admin/", "/admin/markets/source/", "/admin/markets/source/1/change/"])  # fmt: skip
def test_no_page_needs_what_its_policy_forbids(operator: Client, path: str) -> None:
    assert INLINE.findall(operator.get(path, follow=True).content.decode()) == []


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("path", ["/", "/sygnaly/", "/alerty/", "/miner/", "/nie-ma-takiej/"])
def test_no_page_of_the_frame_names_another_host(
    client: Client, nbp: Source, settings: Any, path: str, enabled: bool
) -> None:
    settings.CDN_ENABLED = enabled
    assert re.findall(r"(?:https?:)?//[\w.]+", client.get(path).content.decode()) == []


def test_the_files_of_every_page_are_small() -> None:
    files = [VENDOR.parent / name for name in ("app.css", "app.js", "table.js")]
    files += [*VENDOR.glob("pico-*.css"), *VENDOR.glob("htmx-*.js")]
    assert len(files) == 5
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 45_000
