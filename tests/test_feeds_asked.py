"""Every address of feeds, calendars, pictures and frames: its headers, and whatever may be asked wrongly."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from django.urls import get_resolver

from charon.feeds.addresses import ADDRESSES
from markets.instruments.create import find_or_create
from markets.models import Instrument, Source
from tests.cases import walk
from tests.feed_reading import ALL, EMBED, FEEDS, PICTURES
from tests.test_docs import read, table
from tests.test_pages_instrument import history

pytestmark = pytest.mark.django_db
NAMED = ("/feeds/signals/{}.atom", "/badge/{}.svg", "/spark/{}.svg", "/embed/{}")
PAGES = ("/", "/waluty/", "/sygnaly/", "/alerty/", "/miner/", "/status/", "/nie-ma-takiej/")


@pytest.fixture(autouse=True)
def afternoon(at: Callable[[str], None], nbp: Source) -> None:
    at("2026-11-20 15:00")
    history(nbp, count=3)


def test_every_address_of_the_list_is_tried_here() -> None:
    tried = {get_resolver().resolve(path).route for path in ALL}
    assert tried == {one.route for one in ADDRESSES} | {"llms.txt"}


@pytest.mark.slow
def test_every_address_is_described_with_its_parameters() -> None:
    rows = table(read("docs/feeds.md").partition("## Use")[0])
    told = {row[0].strip("`"): row[2] for row in rows if row[0].startswith("`/")}
    assert set(told) == {"/" + one.route.replace("<str:", "<") for one in ADDRESSES} | {"/llms.txt"}
    for path, names in told.items():
        for name, value in {"lang": "en", "theme": "dark", "days": "30"}.items():
            response = Client().get(path.replace("<code>", "USD"), {name: value})
            assert response.status_code == (200 if f"`{name}`" in names else 400), (path, name)


@pytest.mark.slow
@walk("path", ALL)
def test_an_answer_is_kept_by_every_cache_and_sets_nothing(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "public, max-age=300, stale-if-error=86400"
    assert "Set-Cookie" not in response.headers
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")


@pytest.mark.slow
@walk("path", ALL)
def test_who_has_it_is_told_that_it_has_it(client: Client, path: str) -> None:
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@walk("path", FEEDS)
def test_who_has_the_newest_entry_is_told_so(client: Client, path: str) -> None:
    moment = client.get(path).headers["Last-Modified"]
    assert client.get(path, headers={"If-Modified-Since": moment}).status_code == 304
    assert client.get(path, headers={"If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"}).status_code == 200


@pytest.mark.slow
@walk("path", ALL)
def test_the_second_is_in_no_answer(client: Client, path: str, at: Callable[[str], None]) -> None:
    first = client.get(path).content
    at("2026-11-20 15:01")
    assert client.get(path).content == first


@pytest.mark.slow
@walk("path", ALL)
def test_a_head_has_the_headers_alone(client: Client, path: str) -> None:
    response, whole = client.head(path), client.get(path)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["ETag"] == whole.headers["ETag"]


@walk("path", ALL)
def test_nothing_is_written_here(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


WRONG = [
    "lang=", "lang=de", "lang=PL", "lang=pl&lang=en", "lang=%00", "lang=" + "p" * 500,
    "theme=x", "theme=", "theme=dark&theme=dark", "theme=%EF%BD%84ark", "theme=light%00",
    "days=0", "days=1", "days=-1", "days=1e9", "days=1000000000", "days=3661", "days=", "days=9.5", "days=x",
    "days=%EF%BC%99%EF%BC%90", "days=%D9%A9%D9%A0", "days=90%00", "days=%2090", "days=90&days=90", "days=" + "9" * 5000,
    "day=90", "%00=1", "<script>=1", "code=EUR",
]  # fmt: skip


@pytest.mark.slow
@walk("path", ["/badge/USD.svg", "/spark/USD.svg", EMBED, "/feeds/signals.atom", "/llms.txt"])
@walk("query", WRONG)
def test_a_wrong_parameter_is_refused_and_named(client: Client, path: str, query: str) -> None:
    response = client.get(f"{path}?{query}")
    assert response.status_code == 400
    assert response.headers["Cache-Control"] == "no-store"
    said = response.content.decode()
    assert len(said) < 1000
    assert "\0" not in said
    assert "<script>=" not in said


@walk("days", ["2", "90", "090", "3660"])
def test_every_length_that_is_offered_is_drawn(client: Client, days: str) -> None:
    for path in ("/spark/USD.svg", EMBED):
        assert client.get(f"{path}?days={days}").status_code == 200


CODES = [
    "XYZ",
    "X" * 33,
    "X" * 5000,
    "%00",
    "USD%00",
    "%20",
    "ＵＳＤ",
    "<script>",
    "💱",
    "USD%0A",
    "'--",
    "٩",
    "%ED%A0%80",
]


@pytest.mark.slow
@walk("path", NAMED)
@walk("code", CODES)
def test_a_code_that_nobody_knows_is_a_404_that_says_so(client: Client, path: str, code: str) -> None:
    response = client.get(path.format(code if "%" in code else quote(code)))
    assert response.status_code == 404
    assert "<script>" not in response.content.decode() or "text/plain" in response.headers["Content-Type"]
    assert len(response.content) < 5000


@walk("path", NAMED)
def test_a_near_code_is_offered(client: Client, path: str) -> None:
    assert "USD" in client.get(path.format("USB")).content.decode()


@walk("path", NAMED)
def test_the_case_of_a_code_is_free(client: Client, path: str) -> None:
    assert client.get(path.format("usd")).status_code == 200


@walk("path", [path.format("USD") for path in NAMED])
def test_an_instrument_without_a_figure_has_an_answer(client: Client, path: str) -> None:
    find_or_create({"JPY"}, "currency")
    assert client.get(path.replace("USD", "JPY")).status_code == 200


@walk("path", [*PICTURES, EMBED])
@walk("field", ["public_display", "public_api"])
def test_a_picture_on_foreign_pages_needs_both_permissions(client: Client, path: str, field: str) -> None:
    assert "3,9" in client.get(path).content.decode() or "4,0" in client.get(path).content.decode()
    Source.objects.update(**{field: False})
    shown = client.get(path)
    assert shown.status_code == 200
    assert "zł" not in shown.content.decode()


@walk("path", [*PICTURES, EMBED])
@walk("name", ['<b onload="x">&', "a\x01\x1fb", "]]></svg>", "\ufffe"])
def test_no_name_breaks_a_picture_or_a_frame(client: Client, path: str, name: str) -> None:
    Instrument.objects.filter(code="USD").update(name_pl=name)
    content = client.get(path).content
    assert b"<b onload" not in content
    if path in PICTURES:
        title = ET.fromstring(content).findtext("{http://www.w3.org/2000/svg}title")
        assert title is not None
        assert title.startswith("".join("\ufffd" if one in "\x01\x1f\ufffe" else one for one in name))


@pytest.mark.slow
@walk(
    ("path", "queries"),
    [("/badge/USD.svg", 3), ("/spark/USD.svg", 4), ("/embed/USD", 5), ("/feeds/publications.ics", 1),
     ("/feeds/holidays-pl.ics", 0), ("/feeds/holidays-target.ics", 0), ("/llms.txt", 0)],
)  # fmt: skip
def test_the_statements_are_few(
    client: Client, nbp: Source, path: str, queries: int, django_assert_num_queries: Any
) -> None:
    history(nbp, count=200)
    with django_assert_num_queries(queries):
        client.get(path)


def test_readers_are_counted_as_readers_of_pages(client: Client, settings: Any) -> None:
    settings.LIMIT_READS = 2
    answers = [client.get("/badge/USD.svg") for _ in range(4)]
    assert [answer.status_code for answer in answers][:2] == [200, 200]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"]


@walk("path", PAGES)
def test_no_other_page_may_be_framed(client: Client, path: str) -> None:
    response = client.get(path)
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Frame-Options"] == "DENY"
