"""What the front keeps: who is given it, what it is made of, and until when it holds; without a server."""

import asyncio
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import brotli
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from charon import front as front_module
from charon import metrics
from charon.api import limits
from charon.kept import answers, asking, questions, stamp
from charon.kept.shelves import Shelves
from charon.serving import turns
from markets import clock
from markets.models import Job, Source
from tests.front_fakes import Proto
from tests.kept_front import Site, running, stamp_away
from tests.test_pages_instrument import history

YEAR = "/rates?code=USD&from=2026-10-01&to=2026-11-20"
PAGES = ["/", "/waluty/USD/", "/en/waluty/USD/", YEAR]
GZIP = ("accept-encoding", "gzip, deflate")
BROTLI = ("accept-encoding", "gzip, deflate, br;q=0.9, zstd")
FRAGMENT = ("hx-request", "true")


@pytest.fixture
def site(nbp: Source, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    at("2026-11-21 09:00")
    for code in ("USD", "EUR"):
        history(nbp, code, count=60)
    with running(monkeypatch) as one:
        yield one


def bytes_of(proto: Proto) -> bytes:
    return gzip.decompress(proto.body) if proto.headers.get("content-encoding") == "gzip" else bytes(proto.body)


# What it costs, and that nothing else changes


@pytest.mark.parametrize("path", PAGES)
def test_what_is_kept_costs_no_statement_and_never_enters_django(site: Site, path: str) -> None:
    first = site.get(path)
    assert first.status == 200
    site.django.away = site.clock_stands = True
    with CaptureQueriesContext(connection) as queries:
        again = site.get(path)
    assert (again.status, again.body, len(queries)) == (200, first.body, 0)
    assert {**again.headers, "x-request-id": ""} == {**first.headers, "x-request-id": ""}


@pytest.mark.parametrize("path", PAGES)
def test_it_is_the_answer_that_django_gives(site: Site, client: Client, path: str) -> None:
    site.get(path)
    kept, own = site.get(path), client.get(path)
    assert kept.body == own.content
    told = {name.lower(): value for name, value in own.items()}
    differing = {"x-request-id", "vary", "content-length", "etag"}
    assert {name: value for name, value in kept.headers.items() if name not in differing} == {
        name: value for name, value in told.items() if name not in differing
    }
    assert kept.headers["etag"] == told["etag"]
    assert {*told["vary"].split(", ")} <= {*kept.headers["vary"].split(", ")}
    assert kept.headers["content-length"] == str(len(own.content))
    assert kept.headers["x-request-id"] != told["x-request-id"]


def test_a_client_that_takes_gzip_is_given_fewer_bytes_under_another_tag(site: Site) -> None:
    plain, packed = site.get("/"), site.get("/", GZIP)
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) * 3 < len(plain.body)
    assert packed.headers["etag"] != plain.headers["etag"]
    assert "Accept-Encoding" in plain.headers["vary"]
    assert site.asked == 1
    assert "content-encoding" not in site.get("/", ("accept-encoding", "gzip;q=0")).headers


@pytest.mark.parametrize("path", PAGES)
def test_who_takes_brotli_is_given_the_fewest_bytes_and_nobody_is_given_what_it_refuses(site: Site, path: str) -> None:
    plain, small, smallest = site.get(path), site.get(path, GZIP), site.get(path, BROTLI)
    assert smallest.headers["content-encoding"] == "br"
    assert brotli.decompress(smallest.body) == gzip.decompress(small.body) == plain.body
    assert len(smallest.body) < len(small.body)
    assert len({one.headers["etag"] for one in (plain, small, smallest)}) == 3
    assert site.get(path, BROTLI, ("if-none-match", smallest.headers["etag"])).status == 304
    assert site.get(path, BROTLI, ("if-none-match", small.headers["etag"])).status == 200
    assert site.get(path, ("accept-encoding", "br;q=0, gzip")).headers["content-encoding"] == "gzip"
    for refused in ("identity", "br;q=0", "br; q=0.000", "*;q=0", "x-br", ""):
        assert "content-encoding" not in site.get(path, ("accept-encoding", refused)).headers
    assert site.asked == 1


def test_an_answer_is_packed_for_whom_it_was_made_and_for_others_when_they_come(site: Site) -> None:
    site.get("/", GZIP)
    kept = next(iter(site.front.keeper.shelves.paths["/"].rows.values()))
    assert {*kept.packed} == {"gzip"}
    site.get("/", BROTLI)
    assert {*kept.packed} == {"gzip", "br"}


def test_what_comes_out_the_same_is_not_packed_again(site: Site, nbp: Source) -> None:
    site.get("/waluty/USD/", GZIP)
    before = next(iter(site.front.keeper.shelves.paths["/waluty/USD/"].rows.values()))
    nbp.save()  # raises every generation
    site.get("/waluty/USD/", GZIP)
    after = next(iter(site.front.keeper.shelves.paths["/waluty/USD/"].rows.values()))
    assert site.asked == 2
    assert after is not before
    assert after.packed["gzip"] is before.packed["gzip"]


def test_a_year_is_kept_for_the_day_whatever_prices_and_jobs_do(site: Site, at: Callable[[str], None]) -> None:
    first = site.get(YEAR)
    Job.objects.create(job_type="mine", source=Source.objects.first(), started_at=clock.now())
    at("2026-11-21 23:59")
    assert site.get(YEAR).body == first.body
    assert site.asked == 1
    at("2026-11-22 00:00")
    site.get(YEAR)
    assert site.asked == 2


def test_a_large_answer_waits_in_our_memory_for_no_reader(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = site.get(YEAR).body
    poured: list[int] = []

    async def pour(_proto: Proto, answer: Any) -> None:
        poured.append(len(answer.body))

    monkeypatch.setattr(front_module, "pour", pour)
    monkeypatch.setattr(front_module, "LARGE", len(whole) - 1)
    site.get(YEAR)
    assert poured == [len(whole)]


@pytest.mark.parametrize("encoding", [[], [GZIP], [BROTLI]])
def test_a_client_that_has_it_is_told_so_without_a_body(site: Site, encoding: list[tuple[str, str]]) -> None:
    first = site.get("/waluty/USD/", *encoding)
    tag = first.headers["etag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        known = site.get("/waluty/USD/", *encoding, ("if-none-match", given))
        assert (known.status, known.body, known.headers["etag"]) == (304, b"", tag)
        assert not {"content-type", "content-length", "content-encoding"} & known.headers.keys()
        assert known.headers["cache-control"] == first.headers["cache-control"]
    assert site.get("/waluty/USD/", *encoding, ("if-none-match", '"other"')).status == 200
    assert site.asked == 1


def test_the_first_who_asks_with_an_old_tag_is_told_304_as_well(site: Site) -> None:
    tag = site.get("/").headers["etag"]
    site.front.keeper.shelves = Shelves()
    assert site.get("/", ("if-none-match", tag)).status == 304


def test_head_is_the_same_without_a_body(site: Site) -> None:
    whole = site.get("/")
    head = site.get("/", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert site.asked == 1


def test_a_harmless_id_is_repeated_and_another_is_replaced(site: Site) -> None:
    for given, is_repeated in (("abcdef-123456", True), ("x", False), ("a b<c>d-12345", False)):
        for _ in range(2):
            told = site.get("/", ("x-request-id", given)).headers["x-request-id"]
            assert (told == given) == is_repeated


def test_it_is_counted_under_the_name_of_its_view(site: Site, settings: Any) -> None:
    settings.ENABLE_METRICS_ENDPOINT = True
    site.get("/waluty/USD/")
    site.get(YEAR)
    metrics.REQUESTS.clear()
    try:
        site.get("/waluty/USD/")
        site.get(YEAR, method="HEAD")
        samples = [one for family in metrics.REQUESTS.collect() for one in family.samples if one.value]
        counted = {(one.labels["method"], one.labels["view"], one.labels["status"]) for one in samples}
        assert counted == {("GET", "currency", "200"), ("HEAD", "rates", "200")}
    finally:
        metrics.REQUESTS.clear()


def test_it_has_its_line_in_the_access_log(site: Site, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    size = len(site.get("/waluty/USD/").body)
    settings.LOG_ACCESS = True
    with caplog.at_level("INFO", "charon.access"):
        site.get("/waluty/USD/?utm_source=x", GZIP)
    (line,) = [one.details for one in caplog.records if one.name == "charon.access"]  # type: ignore[attr-defined]
    assert (line["route"], line["status"], line["bytes"]) == ("/waluty/<path:code>/", 200, size)


# Who is given it


@pytest.mark.parametrize(
    "pair",
    [
        ("authorization", "Bearer wrong"),
        ("cookie", "csrftoken=a; sessionid=b"),
        ("origin", "https://elsewhere.example"),
    ],
)
@pytest.mark.parametrize("path", ["/", YEAR])
def test_whoever_may_be_an_operator_or_is_elsewhere_goes_the_long_way(
    site: Site, path: str, pair: tuple[str, str]
) -> None:
    site.get(path)
    for asked in (2, 3):
        site.get(path, pair)
        assert site.asked == asked
    site.get(path)
    assert site.asked == 3


@pytest.mark.parametrize("path", ["/status/", "/ui/settings", "/alerty/", "/waluty/USD/"])
def test_an_operators_answer_never_reaches_the_public_nor_the_reverse(site: Site, client: Client, path: str) -> None:
    client.force_login(User.objects.create_superuser("root"))
    session = ("cookie", f"sessionid={client.cookies['sessionid'].value}")
    public = site.get(path)
    for _ in range(2):
        own = site.get(path, session)
        assert (own.status, b"root" in own.body) == (client.get(path).status_code, b"root" in client.get(path).content)
        after = site.get(path)
        assert after.status == public.status
        assert b"root" not in after.body


def test_cookies_of_others_change_nothing(site: Site) -> None:
    first = site.get("/", ("cookie", "theme=dark; csrftoken=abc"))
    assert site.get("/").body == first.body
    assert site.asked == 1
    assert "HTTP_COOKIE" not in site.django.environs[0]


@pytest.mark.parametrize(
    "path", ["/alerty/", "/alerty/podglad/", "/kurs-podatkowy/lista/", "/health", "/docs", "/none/"]
)
def test_what_is_private_refused_or_of_this_moment_is_not_kept(site: Site, path: str) -> None:
    for asked in (1, 2):
        site.get(path)
        assert site.asked == asked


def test_a_host_that_is_none_of_ours_is_refused_also_where_the_page_is_kept(site: Site) -> None:
    site.get("/")
    for host in ("evil.example", "", "localhost,localhost"):
        assert site.get("/", host=host).status == 400
    assert site.get("/", ("host", "localhost")).status == 400


# What mixes never


def test_languages_and_fragments_are_kept_apart(site: Site) -> None:
    asked = [("/waluty/USD/", ()), ("/en/waluty/USD/", ()), ("/waluty/USD/", (FRAGMENT,)), ("/zloto/", (FRAGMENT,))]
    first = [site.get(path, *pairs).body for path, pairs in asked]
    assert [site.get(path, *pairs).body for path, pairs in asked] == first
    assert len({*first}) == len(asked) == site.asked
    assert b"<html" in first[0]
    assert b"<html" not in first[2]


@pytest.mark.parametrize("whole", ["hx-boosted", "hx-history-restore-request"])
def test_a_boosted_link_is_given_the_whole_page(site: Site, whole: str) -> None:
    page = site.get("/waluty/USD/")
    assert site.get("/waluty/USD/", FRAGMENT, (whole, "true")).body == page.body
    assert site.asked == 1


@pytest.mark.parametrize("path", PAGES)
def test_hosts_of_ours_share_bytes_that_name_none_of_them(site: Site, settings: Any, path: str) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "charon.example"]
    asking.is_ours.cache_clear()
    try:
        bodies = [site.get(path, host=host).body for host in ("localhost", "charon.example", "localhost:8000")]
        assert site.asked == 1
        site.front.keeper.shelves = Shelves()
        assert {site.get(path, host="charon.example").body, *bodies} == {bodies[0]}
    finally:
        asking.is_ours.cache_clear()


def test_over_https_alone_a_browser_is_told_to_come_back_over_it(site: Site, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 1000
    site.django.django.load_middleware()
    forwarded = ("x-forwarded-proto", "https")
    for _ in range(2):
        plain, secure = site.get("/", client="127.0.0.1:1"), site.get("/", forwarded, client="127.0.0.1:1")
        stranger = site.get("/", forwarded)
        assert "strict-transport-security" not in plain.headers
        assert "strict-transport-security" in secure.headers
        assert "strict-transport-security" not in stranger.headers


@pytest.mark.parametrize("accept", ["text/csv", "application/vnd.apache.parquet, */*", "image/png", "*/*;q=0"])
def test_who_asks_the_api_for_another_type_is_heard_by_the_operation(site: Site, accept: str) -> None:
    site.get(YEAR)
    site.get(YEAR, ("accept", accept))
    site.get(f"{YEAR}&format=csv")
    assert site.asked == 3
    assert json.loads(site.get(YEAR, ("accept", "application/json")).body)["items"]
    assert site.asked == 3


# Addresses


@pytest.mark.parametrize(
    ("path", "same"),
    [
        ("/waluty/USD/", "/waluty/USD/?utm_source=a&fbclid=b"),
        ("/?sort=kurs&tabela=B", "/?tabela=B&x=1&sort=kurs"),
        ("/?filtr=%C5%82&sort=kurs", "/?sort=kurs&filtr=ł"),
        (YEAR, "/api/v1/rates/?to=2026-11-20&code=USD&from=2026-10-01"),
    ],
)
def test_addresses_that_mean_the_same_are_one(site: Site, path: str, same: str) -> None:
    first = site.get(path)
    assert site.get(same).body == first.body
    assert site.asked == 1


def test_a_parameter_that_the_api_does_not_know_is_an_error_each_time(site: Site) -> None:
    site.get(YEAR)
    for _ in range(2):
        assert site.get(f"{YEAR}&utm_source=x").status == 422


def test_two_thousand_questions_to_one_page_leave_the_others_where_they_are(site: Site) -> None:
    site.front.keeper.shelves = Shelves(limit=4_000_000)
    hot = site.get("/waluty/USD/")
    one = next(iter(site.front.keeper.shelves.paths["/waluty/USD/"].rows.values()))
    shelves = site.front.keeper.shelves
    for number in range(2000):
        shelves.put(("/", f"filtr={number}", False, False), one)
        assert shelves.paths["/"].size <= shelves.limit / 8
    assert shelves.size <= shelves.limit
    assert shelves.size == sum(shelf.size for shelf in shelves.paths.values())
    site.django.away = True
    assert site.get("/waluty/USD/").body == hot.body


def test_the_least_recently_asked_path_goes_first(site: Site) -> None:
    site.get("/waluty/USD/")
    one = next(iter(site.front.keeper.shelves.paths["/waluty/USD/"].rows.values()))
    shelves = Shelves(limit=one.size * 16)
    for number in range(16):
        shelves.put((f"/{number}", ""), one)
    shelves.get(("/0", ""))
    shelves.put(("/16", ""), one)
    assert shelves.get(("/0", ""))
    assert shelves.get(("/1", "")) is None
    assert shelves.size == one.size * 16


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/{}/", {}),
        ("/?{}", {}),
        ("/", {"host": "{}"}),
        ("/", {"pairs": ("accept-encoding", "{}")}),
        (YEAR, {"pairs": ("accept", "{}")}),
    ],
)
def test_what_a_stranger_writes_at_length_stays_in_no_memory(site: Site, path: str, more: dict[str, Any]) -> None:
    """Four thousand addresses of 60 kB were 250 MB of a worker, a thousand headers of 90 kB another 90."""
    remembering = (questions.judged, asking.is_ours, asking.takes_json, answers.encoding_of)
    site.get(path.format("x"))
    before = [one.cache_info().misses for one in remembering]
    for number in range(3):
        long = str(number) + "x" * 60_000
        told = {"host": long} if "host" in more else {}
        pairs = [(name, value.format(long)) for name, value in [more["pairs"]]] if "pairs" in more else []
        assert site.get(path.format(long), *pairs, **told).status
    fresh = [one.cache_info().misses - old for one, old in zip(remembering, before, strict=True)]
    assert max(fresh) <= 1  # the address itself, of which there is one


# Until when it holds


def test_new_rates_are_there_with_the_next_stamp(site: Site, nbp: Source) -> None:
    before = site.get("/waluty/USD/").body
    history(nbp, "USD", count=61)
    site.clock_stands = True
    assert site.get("/waluty/USD/").body == before  # for a second
    site.wait(1.0)
    assert site.get("/waluty/USD/").body != before


def test_what_is_written_through_this_process_is_seen_with_the_next_question(site: Site) -> None:
    before = site.get("/waluty/USD/").body
    Source.objects.filter(code="nbp").update(attribution="Narodowy Bank z Testu")
    site.clock_stands = True
    site.get("/alerty/", ("content-length", "0"), method="POST")
    assert site.get("/waluty/USD/").body != before


def test_a_page_turns_when_its_first_sentence_does(site: Site, at: Callable[[str], None]) -> None:
    at("2026-11-21 12:50")
    site.get("/waluty/USD/")
    at("2026-11-21 23:59")
    site.get("/waluty/USD/")
    assert site.asked == 1
    at("2026-11-22 00:00")
    site.get("/waluty/USD/")
    assert site.asked == 2


@pytest.mark.parametrize("path", ["/sources", "/status/", "/wykres/USD/dane/"])
def test_what_does_not_say_when_it_turns_is_kept_for_five_seconds(
    site: Site, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = clock.now()
    site.get(path)
    for seconds, asked in ((4, 1), (5, 2)):
        monkeypatch.setattr(clock, "now", lambda seconds=seconds: began + timedelta(seconds=seconds))
        site.get(path)
        assert site.asked == asked


def test_without_a_database_it_goes_out_for_a_minute(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    first = site.get("/waluty/USD/")
    stamp_away(monkeypatch, site)
    site.wait(58)
    assert site.get("/waluty/USD/").body == first.body
    assert site.asked == 1
    site.wait(2)
    site.get("/waluty/USD/")
    assert site.asked == 2


def test_without_a_database_it_goes_out_no_longer_than_its_first_sentence_holds(
    site: Site, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    at("2026-11-21 23:59")
    site.get("/waluty/USD/")
    stamp_away(monkeypatch, site)
    at("2026-11-22 00:00")
    site.get("/waluty/USD/")
    assert site.asked == 2


def test_the_stamp_is_read_once_a_second_whatever_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.get("/")
    site.clock_stands = True
    stamp_away(monkeypatch, site)
    for path in PAGES:
        site.get(path)
    assert not site.front.keeper.stamp.failed


def test_a_reading_that_began_before_a_write_is_not_enough(site: Site) -> None:
    async def ask() -> bool:
        one = stamp.Stamp(site.front.keeper.stamp.threads, dict)
        before = asyncio.ensure_future(one.current())
        await asyncio.sleep(0)
        one.expire()
        await asyncio.gather(before, one.current())
        return one.is_fresh

    assert asyncio.run(ask())


def test_a_database_that_is_away_is_asked_once_a_second(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def away() -> Any:
        tries.append(1)
        raise OSError("no database")

    site.get("/waluty/USD/")
    monkeypatch.setattr(site.front.keeper.stamp, "read", away)
    for _ in range(5):
        site.get("/waluty/USD/")
    assert (len(tries), site.asked) == (1, 1)


def test_a_database_that_hangs_keeps_nobody_from_an_encoding_that_nobody_took_yet(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.get("/")
    monkeypatch.setattr(stamp, "PATIENCE_SECONDS", 0.02)
    hangs = threading.Event()
    monkeypatch.setattr(site.front.keeper.stamp, "read", hangs.wait)
    threading.Timer(10, hangs.set).start()  # the end of a test that fails
    site.django.away = True
    assert site.get("/", GZIP).headers["content-encoding"] == "gzip"
    assert not hangs.is_set()
    hangs.set()


def test_of_many_who_ask_at_once_one_is_computed(site: Site) -> None:
    answers = site.all([site.scope("/waluty/USD/", [GZIP]) for _ in range(20)])
    assert {proto.status for proto in answers} == {200}
    assert len({proto.body for proto in answers}) == 1
    assert len({proto.headers["x-request-id"] for proto in answers}) == 20
    assert site.asked == 1


def test_what_was_begun_before_a_change_is_not_given_to_who_asks_after_it(site: Site) -> None:
    site.get("/waluty/USD/")
    keeper, numbers = site.front.keeper, dict.fromkeys(stamp.SCOPES, 1)
    [one] = keeper.shelves.paths["/waluty/USD/"].rows.values()
    keeper.stamp.read = numbers.copy
    scope: Any = site.scope("/waluty/USD/", [])
    asked = asking.asked_of(scope)
    assert asked

    async def ask() -> tuple[bool, bool]:
        keeper.stamp.expire()
        _, first = await keeper.found(asked)
        assert first
        with keeper.alone(first):
            first.kept = replace(one, versions=stamp.taken(first.versions, one.scopes))
            same = asyncio.ensure_future(keeper.found(asked))
            await asyncio.wait([same], timeout=0.05)
            numbers.update(dict.fromkeys(stamp.SCOPES, 2))
            keeper.stamp.expire()
            after = asyncio.ensure_future(keeper.found(asked))
            await asyncio.wait([after], timeout=0.2)
        return (await same)[0] is not None, (await after)[0] is None

    keeper.stamp.reading = None
    assert asyncio.run(ask()) == (True, True)


# Limits


@pytest.fixture
def limited(site: Site, settings: Any) -> Site:
    limits.counts.forget()
    settings.LIMIT_READS = 1
    return site


@pytest.mark.parametrize("path", ["/", YEAR])
def test_what_is_kept_costs_a_tenth_of_a_read_and_says_what_is_left(limited: Site, path: str) -> None:
    limited.get(path, client="198.51.100.1:1")
    for _ in range(10):
        proto = limited.get(path)
        assert proto.status == 200
        assert proto.headers["ratelimit"].startswith('"reads";r=')
        assert proto.headers["ratelimit-policy"] == '"reads";q=1;w=60'
    refused = limited.get(path)
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["cache-control"] == "no-store"
    assert refused.headers["ratelimit"].startswith('"reads";r=0')
    assert limited.asked == 1
    assert limited.get(path, ("x-forwarded-for", "198.51.100.7"), client="127.0.0.1:1").status == 200


def test_a_caller_without_reads_is_told_so_before_it_waits_for_a_thread(limited: Site) -> None:
    limited.get("/alerty/")
    assert limited.get("/alerty/").status == 429
    assert limited.asked == 1
    limited.front.turns.places["203.0.113.9"] = turns.OF_ONE
    for path, status in (("/alerty/", 429), ("/rates?code=x", 429), ("/health", 200), ("/static/app.css", 503)):
        assert limited.get(path).status == status
    assert limited.get("/rates?code=x", ("authorization", "Bearer wrong")).status == 503
