"""The only door to the internet: what each answer, and each way of not getting one, becomes."""

import gzip
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
import respx
from hypothesis import example, given, settings
from hypothesis import strategies as st

from charon.variables import NotUnderstood, http_url
from markets import clock
from miner.fetch import http
from miner.fetch.errors import Blocked, ProviderError, Refused, Unreachable
from tests.replica import Replica

URL = "https://bank.example/api/rates/?api_key=hidden"
PLACE = "/api/rates/"


class Chunks(httpx.SyncByteStream):
    """A body that nothing has decoded yet."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks


def answered(status: int, text: str = "", **headers: str) -> ProviderError:
    """The error that an answer becomes."""
    with respx.mock as web:
        web.get(URL).respond(status, text=text, headers=headers)
        with pytest.raises(ProviderError) as caught:
            http.get(URL)
    return caught.value


def failed(side_effect: Exception) -> ProviderError:
    """The error that an exception on the road becomes."""
    with respx.mock as web:
        web.get(URL).mock(side_effect=side_effect)
        with pytest.raises(ProviderError) as caught:
            http.get(URL)
    return caught.value


def test_the_body_of_a_200_comes_back_byte_for_byte(respx_mock: respx.Router) -> None:
    respx_mock.get(URL).respond(200, content=b"\xef\xbb\xbf [ ]\r\n")
    assert http.get(URL) == b"\xef\xbb\xbf [ ]\r\n"


def test_the_headers_of_a_200_are_known_in_any_case(respx_mock: respx.Router) -> None:
    respx_mock.get(URL).respond(200, content=b"[]", headers={"X-MBX-USED-WEIGHT-1M": "7"})
    answer = http.fetch(URL)
    assert (answer.body, answer.headers["x-mbx-used-weight-1m"], answer.headers.get("X-Other")) == (b"[]", "7", None)


def test_a_request_says_who_asks_and_for_what(respx_mock: respx.Router) -> None:
    route = respx_mock.get(URL).respond(200)
    http.get(URL, accept="text/csv", headers={"X-Key": "k"})
    asked = route.calls.last.request.headers
    assert (asked["User-Agent"], asked["Accept"], asked["X-Key"]) == (http.USER_AGENT, "text/csv", "k")


def test_json_is_asked_for_unless_the_caller_wants_something_else(respx_mock: respx.Router) -> None:
    route = respx_mock.get(URL).respond(200)
    http.get(URL)
    assert route.calls.last.request.headers["Accept"] == "application/json"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_not_followed(status: int) -> None:
    error = answered(status, Location="https://elsewhere.example/")
    assert isinstance(error, Refused)
    assert error.status == status


@pytest.mark.parametrize("status", [400, 401, 403, 405, 410, 418, 422, 451])
def test_another_4xx_is_refused_with_its_status_and_body(status: int) -> None:
    error = answered(status, "no, because")
    assert isinstance(error, Refused)
    assert (error.status, error.body, str(error)) == (
        status,
        "no, because",
        f"GET {PLACE}: HTTP {status}: no, because",
    )


def test_a_404_is_refused_and_keeps_its_body_for_the_provider_to_judge() -> None:
    error = answered(404, "404 NotFound - Not Found - Brak danych")
    assert isinstance(error, Refused)
    assert (error.status, error.body) == (404, "404 NotFound - Not Found - Brak danych")
    assert str(error) == f"GET {PLACE}: HTTP 404: 404 NotFound - Not Found - Brak danych"


def test_a_long_refusal_is_cut_in_the_error() -> None:
    error = answered(400, "x" * 5000)
    assert isinstance(error, Refused)
    assert error.body == "x" * 300


def test_trouble_keeps_its_status_and_the_beginning_of_its_body_for_the_provider_to_judge() -> None:
    error = answered(429, "error code: 1015" + "x" * 5000)
    assert isinstance(error, Unreachable)
    assert (error.status, error.body) == (429, "error code: 1015" + "x" * 284)


def test_a_ban_is_refused_and_keeps_its_length() -> None:
    error = answered(418, **{"Retry-After": "120"})
    assert isinstance(error, Refused)
    assert error.retry_after == 120.0


def test_a_blocked_country_has_a_reason_of_its_own() -> None:
    error = answered(451)
    assert isinstance(error, Blocked)
    assert error.reason == "blocked"


@pytest.mark.parametrize("status", [200, 301, 401, 403, 418, 429, 451, 503])
def test_a_key_in_a_header_stands_in_no_error(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", 3)
    with respx.mock as web:
        web.get(URL).respond(status, text="long" if status == 200 else "no")
        with pytest.raises(ProviderError) as caught:
            http.get(URL, headers={"Authorization": "Bearer hidden"})
    error = caught.value
    assert "hidden" not in f"{error!r} {error.args} {error.__cause__} {vars(error)}"


def test_a_success_that_is_not_a_200_is_refused() -> None:
    assert isinstance(answered(204), Refused)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_trouble_of_the_other_side_is_unreachable(status: int) -> None:
    error = answered(status, "busy")
    assert isinstance(error, Unreachable)
    assert (str(error), error.retry_after) == (f"GET {PLACE}: HTTP {status}: busy", None)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_kept(status: int) -> None:
    error = answered(status, **{"Retry-After": "7"})
    assert isinstance(error, Unreachable)
    assert error.retry_after == 7.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("Mon, 26 Oct 2026 11:00:30 GMT", 30.0),
        ("Mon, 26 Oct 2026 12:00:30 +0100", 30.0),
        ("Mon, 26 Oct 2026 10:59:00 GMT", 0.0),
        ("0", 0.0),
        (" 12 ", 12.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("259200", 259_200.0),
        ("259201", 259_200.0),
        ("9" * 14, 259_200.0),
        ("9" * 5000, 259_200.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 259_200.0),
        ("1.5", None),
        ("Mon, 26 Oct 2026 11:00:30 -0000", None),
    ],
)
def test_retry_after_is_read_in_both_forms(monkeypatch: pytest.MonkeyPatch, header: str, seconds: float | None) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 10, 26, 11, 0, tzinfo=UTC))
    assert http.retry_after(header) == seconds


@settings(deadline=None)
@given(st.text())
@example("Wed, 21 Oct 99999999999 07:28:00 GMT")
@example("Wed, 21 Oct 2015 07:28:00 +99999999999999999999")
@example("9" * 5000)
@example("0\x1f")
def test_no_retry_after_header_can_break_the_client(header: str) -> None:
    seconds = http.retry_after(header)
    assert seconds is None or 0 <= seconds <= http.LONGEST_RETRY_AFTER


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.WriteTimeout("slow"),
        httpx.PoolTimeout("slow"),
    ],
)
def test_every_timeout_is_unreachable(error: Exception) -> None:
    assert str(failed(error)) == f"GET {PLACE}: no answer in time"


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("refused"), httpx.ReadError("reset"), httpx.RemoteProtocolError("cut")],
)
def test_every_breakage_of_the_road_is_unreachable(error: Exception) -> None:
    caught = failed(error)
    assert isinstance(caught, Unreachable)
    assert str(caught) == f"GET {PLACE}: {type(error).__name__}: {error}"
    assert caught.nobody == isinstance(error, httpx.ConnectError)


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500])
def test_the_query_never_stands_in_an_error(status: int) -> None:
    assert "hidden" not in str(answered(status))


def test_user_and_password_of_an_address_never_stand_in_an_error() -> None:
    assert http.place_of("https://me:hidden@bank.example:8443/a?b") == "/a"


@pytest.mark.parametrize(
    "url",
    ["https://bank:hidden/a", "https://me:hid\x00den@bank.example/a", "https://[hidden]/a", "https://xn--hidden-ö/a"],
)
def test_what_is_no_address_is_refused_and_never_quoted(url: str) -> None:
    with pytest.raises(Refused) as caught:
        http.get(url)
    assert str(caught.value) == "GET: not a URL"


@pytest.mark.parametrize(
    "url", ["hidden", "ftp://me:hidden@bank.example", "https://[hidden]/", "//hidden/", "https://"]
)
def test_a_setting_that_is_no_address_is_named_and_never_quoted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ECB_BASE_URL", url)
    with pytest.raises(NotUnderstood) as caught:
        http_url("ECB_BASE_URL", "https://bank.example/")
    assert str(caught.value) == "ECB_BASE_URL: is not an http(s) URL"


@pytest.mark.parametrize("value", ["hidden\n", "hiddeną"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_told(
    outgoing: set[tuple[str, int]], value: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bank:
        outgoing.add(bank.getsockname())
        with pytest.raises(Refused) as caught:
            http.get(f"http://127.0.0.1:{bank.getsockname()[1]}/", headers={"X-Key": value})
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://[::1", "http://bank.example:port/", "bank.example/api", "ftp://bank.example/"])
def test_an_address_that_is_none_is_refused_as_our_mistake(url: str) -> None:
    with pytest.raises(Refused):
        http.get(url)


def test_an_answer_above_the_size_cap_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", 100)
    error = answered(200, "x" * 101)
    assert isinstance(error, Refused)
    assert str(error) == f"GET {PLACE}: more than 100 bytes"


def test_the_size_cap_counts_what_compression_hides(monkeypatch: pytest.MonkeyPatch, respx_mock: respx.Router) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", 10_000)
    packed = gzip.compress(b"0" * 1_000_000)
    assert len(packed) < 10_000
    respx_mock.get(URL).respond(200, stream=Chunks(packed), headers={"Content-Encoding": "gzip"})
    with pytest.raises(Refused, match="more than 10000 bytes"):
        http.get(URL)


def test_an_answer_that_drips_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_SECONDS", -1)
    assert isinstance(answered(200, "x"), Unreachable)


def test_broken_compression_is_unreachable(respx_mock: respx.Router) -> None:
    respx_mock.get(URL).respond(200, stream=Chunks(b"not gzip at all"), headers={"Content-Encoding": "gzip"})
    with pytest.raises(Unreachable, match="compression is broken"):
        http.get(URL)


def table(replica: Replica) -> str:
    return f"{replica.url}exchangerates/tables/A/2024-01-02/"


def test_a_compressed_answer_comes_back_plain(replica: Replica) -> None:
    assert http.get(table(replica)).startswith(b'[{"table":"A"')


def test_a_body_shorter_than_it_was_announced_is_unreachable(replica: Replica) -> None:
    replica.set_script([{"cut": "half"}])
    with pytest.raises(Unreachable, match="RemoteProtocolError"):
        http.get(table(replica))


def test_a_connection_closed_without_an_answer_is_unreachable(replica: Replica) -> None:
    replica.set_script([{"drop": True}])
    with pytest.raises(Unreachable, match="RemoteProtocolError"):
        http.get(table(replica))


def test_a_server_that_stays_silent_is_unreachable(replica: Replica) -> None:
    replica.set_script([{"delay": 60}])
    with pytest.raises(Unreachable, match="no answer in time"):
        http.get(table(replica), read_seconds=0.05)


def test_a_reason_phrase_in_cp1250_is_harmless(replica: Replica) -> None:
    with pytest.raises(Refused) as caught:
        http.get(f"{replica.url}exchangerates/tables/A/2030-01-01/")
    assert caught.value.body == "400 BadRequest - Błędny zakres dat / Invalid date range"


def test_a_closed_port_is_unreachable(outgoing: set[tuple[str, int]]) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        outgoing.add(nobody_listens.getsockname())
        with pytest.raises(Unreachable, match=r"ConnectError: .*refused"):
            http.get(f"http://127.0.0.1:{nobody_listens.getsockname()[1]}/")


def test_a_name_that_nobody_knows_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match="Name or service not known"):
        http.get("https://bank.invalid/")


def test_a_process_keeps_one_pool_of_connections() -> None:
    assert http.client() is http.client()
