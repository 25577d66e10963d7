"""The front: which bodies it reads, what reaches Django, and how answers leave; without a server."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import FileResponse, StreamingHttpResponse
from django.test import Client

from charon import front as front_module
from charon import metrics, refusals
from charon.front import Front
from charon.serving import bodies, pipe, sockets, turns, wsgi
from tests.front_fakes import Proto, Scope
from tests.test_storage_away import Lines

API_ERRORS = {
    400: "bad_request", 408: "request_timeout", 411: "length_required", 413: "too_large", 503: "unavailable",
}  # fmt: skip
START = "200 OK", [("Content-Type", "text/plain")]


class Echo:
    """A WSGI application that answers `body` and remembers the environ of each request."""

    def __init__(self, body: Any = b"ok") -> None:
        self.body = body
        self.environs: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., None]) -> Any:
        self.environs.append(environ)
        start(*START)
        if isinstance(self.body, bytes):
            return Joined(self.body)
        return self.body


class Joined(list[bytes]):
    closed = False

    def __init__(self, body: bytes) -> None:
        super().__init__([body])

    def close(self) -> None:
        self.closed = True


class Stream:
    """A streamed answer of Django: `chunks`, and whether it was closed."""

    streaming = True

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks, self.closed = chunks, False

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks

    def close(self) -> None:
        self.closed = True


def asked(scope: Scope, proto: Proto, application: Any = None) -> Proto:
    async def ask() -> None:
        await Front(application or Echo()).__rsgi__(scope, proto)  # type: ignore[arg-type]
        if reading := getattr(proto, "reading", None):
            await reading

    asyncio.run(ask())
    return proto


def error(proto: Proto) -> str:
    return str(json.loads(proto.body)["error"]["code"])


# Bodies


CHUNKED = ("transfer-encoding", "chunked")


@pytest.mark.parametrize(
    ("method", "pairs", "status"),
    [
        ("POST", [("content-length", str(bodies.LIMIT + 1))], 413),
        ("POST", [("content-length", "3000000")], 413),
        ("POST", [("content-length", "-1")], 413),
        ("POST", [CHUNKED], 411),
        ("POST", [("content-length", "5"), CHUNKED], 400),
        ("POST", [CHUNKED, ("content-length", "0")], 400),
        ("GET", [("content-length", "1"), CHUNKED], 400),
        ("GET", [CHUNKED], 413),
        ("GET", [("content-length", "1")], 413),
        ("HEAD", [("content-length", "1")], 413),
        ("DELETE", [("content-length", "70000")], 413),
        ("OPTIONS", [("content-length", "2")], 413),
    ],
)
def test_a_body_that_is_not_taken_is_refused_unread(method: str, pairs: list[tuple[str, str]], status: int) -> None:
    application = Echo()
    proto = asked(Scope("/api/v1/assets", method, pairs), Proto(None), application)
    assert (proto.status, error(proto), proto.was_read) == (status, API_ERRORS[status], False)
    assert application.environs == []
    assert proto.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/assets", bodies.LIMIT),
        ("/tax-rate", 256 * 1024),
        ("/api/v1/tax-rate/", 256 * 1024),
        ("/tax-rate/invoice", bodies.LIMIT),
        ("/nowhere", bodies.LIMIT),
    ],
)
def test_each_address_takes_as_much_as_it_is_for_and_no_byte_more(path: str, size: int) -> None:
    for length, status in ((size, 200), (size + 1, 413), (10_000_000, 413)):
        announced = [("content-length", str(length))]
        proto = asked(Scope(path, "POST", announced), Proto(b"x" * length if status == 200 else None))
        assert (proto.status, proto.was_read) == (status, status == 200), (path, length)


def test_a_body_of_the_largest_size_reaches_django_whole() -> None:
    application, body = Echo(), b"x" * bodies.LARGEST
    proto = asked(Scope("/tax-rate", "POST", [("content-length", str(len(body)))]), Proto(body), application)
    assert proto.status == 200
    assert application.environs[0]["wsgi.input"].read() == body
    assert application.environs[0]["CONTENT_LENGTH"] == str(len(body))


def test_a_body_that_does_not_come_is_408_and_asks_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.0)
    application = Echo()
    proto = asked(Scope("/assets", "POST", [("content-length", "9")]), Proto(None), application)
    assert (proto.status, error(proto), application.environs) == (408, "request_timeout", [])


def test_a_client_that_leaves_while_it_sends_is_answered_nothing() -> None:
    class Leaving(Proto):
        async def __call__(self) -> bytes:
            raise RuntimeError("stream closed")

    proto = asked(Scope("/assets", "POST", [("content-length", "9")]), Leaving())
    assert proto.status == 0


@pytest.mark.parametrize("status", API_ERRORS)
def test_a_refusal_has_what_every_answer_has(status: int) -> None:
    api = refusals.answer(wsgi.environ_of(Scope("/rates"), b""), status)  # type: ignore[arg-type]
    page = refusals.answer(wsgi.environ_of(Scope("/alerty/"), b""), status)  # type: ignore[arg-type]
    told = json.loads(b"".join(api))["error"]
    assert (api.status_code, told["code"], told["id"]) == (status, API_ERRORS[status], api["X-Request-ID"])
    assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert page["X-Request-ID"] in b"".join(page).decode()
    assert "default-src 'self'" in page["Content-Security-Policy"]
    for response in (api, page):
        assert response["Cache-Control"] == "no-store"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["X-Frame-Options"] == "DENY"
        assert response.has_header("Retry-After") == (status == 503)


def test_a_refusal_of_the_front_is_counted_like_every_answer(settings: Any) -> None:
    settings.ENABLE_METRICS_ENDPOINT = True
    refusals.chain.cache_clear()
    metrics.REQUESTS.clear()
    try:
        asked(Scope("/rates", "POST", [("content-length", "3000000")]), Proto(None))
        counted = [sample for family in metrics.REQUESTS.collect() for sample in family.samples]
        assert {sample.labels["status"] for sample in counted} == {"413"}
        assert {sample.labels["view"] for sample in counted} == {"rates"}
    finally:
        metrics.REQUESTS.clear()
        refusals.chain.cache_clear()


def test_refusals_are_one_line_a_minute_for_each_cause_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    moment, handler = [0.0], Lines()
    monkeypatch.setattr("charon.logs.time.monotonic", lambda: moment[0])
    logger = logging.getLogger("charon.request_log")
    logger.addHandler(handler)

    def refuse(times: int, client: str, status: int) -> None:
        for _ in range(times):
            refusals.answer(environ(Scope("/rates", "POST", client=client)), status)

    try:
        refuse(150, "203.0.113.9:1", 413)
        refuse(2, "203.0.113.9:2", 408)
        refuse(2, "198.51.100.1:1", 413)
        moment[0] = 60.0
        refuse(2, "203.0.113.9:1", 413)
    finally:
        logger.removeHandler(handler)
    assert handler.said == [
        "POST /api/v1/rates 413 to 203.0.113.9",
        "POST /api/v1/rates 408 to 203.0.113.9",
        "POST /api/v1/rates 413 to 198.51.100.1",
        "POST /api/v1/rates 413 to 203.0.113.9 (again 149 times)",
    ]


def test_other_refusals_have_a_line_each(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        client.get("/api/none")
    assert not [record for record in caplog.records if hasattr(record, "cause")]


@pytest.mark.parametrize("path", ["/assets", "/rates", "/"])
def test_without_the_front_a_body_of_three_megabytes_is_413_as_well(client: Client, path: str) -> None:
    response = client.post(path, b"x" * 3_000_000, content_type="application/json")
    assert response.status_code == 413
    assert path == "/" or response.json()["error"]["code"] == "too_large"


# What waits


class Busy:
    """A WSGI application whose only thread is held until `go`; it remembers who was answered, in this order."""

    def __init__(self) -> None:
        self.go, self.answered = threading.Event(), list[str]()

    def __call__(self, environ: dict[str, Any], start: Callable[..., None]) -> Any:
        assert self.go.wait(10)
        self.answered.append(environ["REMOTE_ADDR"] + environ["PATH_INFO"])
        start(*START)
        return Joined(b"ok")


def all_asked(scopes: list[Scope], application: Busy) -> list[int]:
    """The answers to requests that come one after the other before the first is answered."""

    async def ask() -> list[int]:
        front, protos = Front(application), [Proto() for _ in scopes]
        tasks = [
            asyncio.ensure_future(front.__rsgi__(scope, proto))  # type: ignore[arg-type]
            for scope, proto in zip(scopes, protos, strict=True)
        ]
        await asyncio.sleep(0)
        application.go.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)
        assert not front.turns.places
        assert not front.turns.last_turns
        assert not front.turns.waiting
        return [proto.status for proto in protos]

    return asyncio.run(ask())


def of(address: str, path: str = "/alerty/", *pairs: tuple[str, str]) -> Scope:
    return Scope(path, client=f"{address}:50000", pairs=list(pairs))


def test_a_caller_with_twenty_connections_lets_others_wait_for_one_of_its_pages() -> None:
    application = Busy()
    hog, other = [of("203.0.113.9")] * 20, of("198.51.100.1")
    assert set(all_asked([*hog, other, other], application)) == {200}
    places = [number for number, who in enumerate(application.answered) if who == "198.51.100.1/alerty/"]
    assert places == [1, 3]


def test_callers_behind_a_proxy_of_ours_are_told_apart_and_behind_another_they_are_one() -> None:
    for proxy, place in (("127.0.0.1", 1), ("192.0.2.7", 20)):
        application = Busy()
        hog = [of(proxy, "/alerty/", ("x-forwarded-for", "203.0.113.9"))] * 20
        all_asked([*hog, of(proxy, "/kurs-podatkowy/lista/", ("x-forwarded-for", "198.51.100.1"))], application)
        assert application.answered.index(f"{proxy}/kurs-podatkowy/lista/") == place


@pytest.mark.parametrize("path", ["/health", "/api/v1/health/"])
def test_who_watches_charon_does_not_wait_behind_what_else_its_machine_asks(path: str) -> None:
    application = Busy()
    all_asked([*[of("203.0.113.9")] * 20, of("203.0.113.9", path)], application)
    assert application.answered[1] == f"203.0.113.9{path}"


def test_a_caller_has_a_share_of_the_places_and_others_still_find_one() -> None:
    statuses = all_asked([of("203.0.113.9")] * (turns.OF_ONE + 2) + [of("198.51.100.1")], Busy())
    assert statuses == [200] * turns.OF_ONE + [503, 503, 200]


def test_when_all_places_are_taken_the_next_is_told_to_come_again() -> None:
    async def ask() -> Proto:
        front, proto = Front(Echo()), Proto()
        front.turns.places["others"] = turns.PLACES
        await front.__rsgi__(Scope("/rates"), proto)  # type: ignore[arg-type]
        return proto

    proto = asyncio.run(ask())
    assert (proto.status, error(proto)) == (503, "unavailable")
    assert int(proto.headers["retry-after"]) > 0


def test_a_request_waits_no_longer_once_it_is_answered() -> None:
    def broken(environ: dict[str, Any], start: Any) -> Any:
        raise RuntimeError("no answer")

    async def ask() -> int:
        front = Front(broken)
        with pytest.raises(RuntimeError):
            await front.__rsgi__(Scope(), Proto())  # type: ignore[arg-type]
        return front.turns.places.total()

    assert asyncio.run(ask()) == 0


# The environ


def environ(scope: Scope) -> dict[str, Any]:
    return wsgi.environ_of(scope, b"")  # type: ignore[arg-type]


def test_a_path_beyond_ascii_is_the_latin_1_of_its_bytes() -> None:
    told = environ(Scope("/alerty/zł/", query_string="q=a%20b"))
    assert told["PATH_INFO"].encode("latin-1").decode() == "/alerty/zł/"
    assert (told["QUERY_STRING"], told["SCRIPT_NAME"]) == ("q=a%20b", "")


def test_addresses_scheme_and_version_are_those_of_the_connection() -> None:
    told = environ(Scope(server="[::1]:8000", client="[2001:db8::1]:4711", http_version="1", scheme="https"))
    assert (told["SERVER_NAME"], told["SERVER_PORT"]) == ("::1", "8000")
    assert (told["REMOTE_ADDR"], told["REMOTE_PORT"]) == ("2001:db8::1", "4711")
    assert (told["SERVER_PROTOCOL"], told["wsgi.url_scheme"]) == ("HTTP/1.0", "https")


def test_what_a_proxy_says_is_a_header_and_changes_no_address() -> None:
    told = environ(Scope(pairs=[("x-forwarded-for", "198.51.100.1"), ("x-forwarded-proto", "https")]))
    assert (told["REMOTE_ADDR"], told["wsgi.url_scheme"]) == ("203.0.113.9", "http")
    assert (told["HTTP_X_FORWARDED_FOR"], told["HTTP_X_FORWARDED_PROTO"]) == ("198.51.100.1", "https")


def test_a_header_that_comes_twice_is_joined_and_cookies_by_semicolons() -> None:
    told = environ(Scope(pairs=[("cookie", "a=1"), ("accept", "text/html"), ("cookie", "b=2"), ("accept", "*/*")]))
    assert (told["HTTP_COOKIE"], told["HTTP_ACCEPT"]) == ("a=1; b=2", "text/html,*/*")


def test_the_type_of_a_body_has_no_prefix_and_a_name_with_an_underscore_is_left_out() -> None:
    told = environ(Scope(pairs=[("content-type", "text/plain"), ("x_forwarded_for", "10.0.0.1")]))
    assert told["CONTENT_TYPE"] == "text/plain"
    assert not {"HTTP_CONTENT_TYPE", "HTTP_X_FORWARDED_FOR"} & set(told)


def test_a_value_that_is_not_ascii_is_empty_and_not_absent() -> None:
    told = environ(Scope(pairs=[("accept", "*/*"), ("accept", "text/html"), ("authorization", "Bearer zażółć")]))
    assert (told["HTTP_AUTHORIZATION"], told["HTTP_ACCEPT"]) == ("", "*/*,text/html")


def test_the_host_of_an_absolute_address_stands_in_for_the_header() -> None:
    scope = Scope(authority="charon.example")
    assert environ(scope)["HTTP_HOST"] == "localhost"

    class Bare(Scope):
        headers = property(lambda _: type(scope.headers)([]))

    assert environ(Bare(authority="charon.example"))["HTTP_HOST"] == "charon.example"


# Answers


def test_a_head_gets_the_headers_and_the_answer_is_closed() -> None:
    body = Joined(b"x" * 10)
    proto = asked(Scope(method="HEAD"), Proto(), Echo(body))
    assert (proto.status, proto.body, body.closed) == (200, b"", True)
    assert proto.headers["content-type"] == "text/plain"


def test_a_file_is_sent_by_granian_from_its_path(tmp_path: Path) -> None:
    (tmp_path / "app.css").write_bytes(b"p {}")
    opened = (tmp_path / "app.css").open("rb")
    proto = asked(Scope(), Proto(), Echo(wsgi.File(opened)))
    assert (proto.body, opened.closed) == (b"p {}", True)


def test_a_part_of_a_file_is_sent_from_memory(tmp_path: Path) -> None:
    (tmp_path / "app.css").write_bytes(b"p {}")
    opened = (tmp_path / "app.css").open("rb")
    opened.seek(2)
    assert asked(Scope(), Proto(), Echo(wsgi.File(opened))).body == b"{}"


def test_a_file_answer_without_a_file_is_no_stream() -> None:
    proto = asked(Scope(), Proto(), Echo(FileResponse(())))
    assert (proto.status, proto.body) == (200, b"")


def test_a_large_answer_arrives_whole_with_its_length() -> None:
    body = bytes(range(256)) * 8000
    proto = asked(Scope(), Proto(), Echo(body))
    assert proto.body == body
    assert proto.headers["content-length"] == str(len(body))


def test_the_slowest_reader_is_given_up_when_large_answers_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"x" * 1_000_000
    monkeypatch.setattr(front_module, "LARGE_BYTES", 2_500_000)

    async def ask() -> list[bool]:
        front, protos = Front(Echo(body)), [Proto(reads=False) for _ in range(4)]
        tasks = []
        for proto in protos:
            tasks.append(asyncio.ensure_future(front.__rsgi__(Scope(), proto)))  # type: ignore[arg-type]
            while not proto.file:
                await asyncio.sleep(0)
            await proto.reading
        await asyncio.wait(tasks[:2])
        ended = [task.done() for task in tasks]
        for proto in protos:
            proto.leave()
        await asyncio.wait(tasks)
        assert not front.large
        return ended

    assert asyncio.run(ask()) == [True, True, False, False]


# Streams


def test_a_stream_arrives_chunk_by_chunk_and_is_closed_at_its_end() -> None:
    stream = Stream(iter([b"day,mid\n", b"2026-01-02,3.6\n" * 20_000]))
    proto = asked(Scope(), Proto(), Echo(stream))
    assert proto.body == b"day,mid\n" + b"2026-01-02,3.6\n" * 20_000
    assert stream.closed


def test_a_stream_of_nothing_is_an_empty_answer() -> None:
    stream = Stream(iter([]))
    proto = asked(Scope(), Proto(), Echo(stream))
    assert (proto.status, proto.body, stream.closed) == (200, b"", True)


def test_a_stream_gets_no_further_than_its_reader_and_ends_with_it() -> None:
    made: list[int] = []

    def rows() -> Iterator[bytes]:
        for number in range(1000):
            made.append(number)
            yield b"x" * 100_000

    stream = Stream(rows())

    async def ask() -> int:
        front, proto = Front(Echo(stream)), Proto(reads=False)
        task = asyncio.ensure_future(front.__rsgi__(Scope(), proto))  # type: ignore[arg-type]
        while not proto.file:
            await asyncio.sleep(0)
        await proto.reading
        for _ in range(50):
            await asyncio.sleep(0)
        before = len(made)
        proto.leave()
        await task
        assert not front.exporting
        return before

    assert asyncio.run(ask()) <= 3
    assert stream.closed
    assert len(made) <= 4


def test_a_second_export_is_told_to_come_again_and_closed() -> None:
    stream = Stream(iter([b"x"]))

    async def ask() -> Proto:
        front, proto = Front(Echo(stream)), Proto()
        front.exporting = True
        await front.__rsgi__(Scope("/rates"), proto)  # type: ignore[arg-type]
        assert front.exporting
        return proto

    proto = asyncio.run(ask())
    assert (proto.status, "retry-after" in proto.headers, stream.closed) == (503, True, True)


def test_a_stream_that_breaks_off_cuts_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end would look like the end of the answer."""

    def rows() -> Iterator[bytes]:
        yield b"day,mid\n"
        raise RuntimeError("the database went away")

    cut: list[tuple[str, bool]] = []
    stream, scope, proto = Stream(rows()), Scope(), Proto()
    monkeypatch.setattr(sockets, "cut", lambda client: cut.append((client, proto.reading.done())))
    asked(scope, proto, Echo(stream))
    assert (cut, stream.closed) == ([(scope.client, False)], True)


def test_a_stream_that_fails_at_once_is_an_error_and_no_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows() -> Iterator[bytes]:
        raise RuntimeError("no database")
        yield b""

    cut: list[str] = []
    monkeypatch.setattr(sockets, "cut", cut.append)
    proto = asked(Scope("/rates"), Proto(), Echo(Stream(rows())))
    assert (proto.status, error(proto), cut) == (500, "internal_error", [])


def test_djangos_own_streams_go_that_way_too() -> None:
    response = StreamingHttpResponse(iter([b"x" * 10]))
    assert wsgi.answer(Echo(response), environ(Scope())).stream is response


def test_a_reader_that_never_opens_its_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "OPEN_SECONDS", 0.0)

    async def ask() -> None:
        with pipe.Pipe(lambda _: None) as one:
            await one.write(b"x")

    with pytest.raises(TimeoutError):
        asyncio.run(ask())
