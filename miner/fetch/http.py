"""The one HTTP client: timeouts, no redirects, a size limit, every failure as a ProviderError."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from threading import Lock

import httpx

from markets.messages import Message
from markets.network import environment
from markets.network.body_text import text_of
from markets.network.guarded import NotPublic
from markets.network.retry_after import retry_after as network_retry_after
from markets.network.said import said, without
from miner.fetch import guarded
from miner.fetch.errors import Blocked, Misconfigured, Refused, Unreachable

logger = logging.getLogger(__name__)

CONNECT_SECONDS, READ_SECONDS = 5, 10
# The largest NBP answer (93 days of table A) is 150 kB; the ECB's whole history is 6 MB.
MAX_BYTES = 32 * 1024 * 1024
# The time for one whole response: a server that sends a byte every nine seconds never exceeds a read timeout of ten.
MAX_SECONDS = 30
# The longest Retry-After that is obeyed, in seconds: Binance's longest ban is three days. More means a broken clock.
LONGEST_RETRY_AFTER = 3 * 24 * 3600.0
# Some providers refuse the default User-Agent of HTTP libraries.
USER_AGENT = "Charon/0.1 (self-hosted exchange rates)"
BODY_IN_ERROR = 300

# Without the lock, two threads that call a functools.cache function first would each build a pool.
_client_lock = Lock()
_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


@dataclass(frozen=True, slots=True)
class Answer:
    """A response with status 200: its body, and its headers with case-insensitive names."""

    body: bytes
    headers: Mapping[str, str]


@contextmanager
def answered_until(moment: float) -> Iterator[None]:
    """Requests of this thread in the block end by `moment` (of the monotonic clock), else they raise Unreachable."""
    token = _deadline.set(moment)
    try:
        yield
    finally:
        _deadline.reset(token)


def client() -> httpx.Client:
    """The connection pool of this process, safe to use from several threads."""
    with _client_lock:
        return new_client()


@cache
def new_client() -> httpx.Client:
    """Raises Misconfigured, at each call anew, when the environment has a variable that cannot be understood."""
    try:
        transport = environment.transport(guarded.has)
    except environment.NotUnderstood as error:
        raise Misconfigured(error.variable, error.fault) from None
    return httpx.Client(
        transport=transport, follow_redirects=False, headers={"User-Agent": USER_AGENT}, trust_env=False
    )


def problems() -> dict[str, Message]:
    """The variable of the environment, and what is wrong with it, for which no request can be made; empty for none."""
    try:
        client()
    except Misconfigured as error:
        return {error.variable: Message.of(error.fault)}
    return {}


def get(
    url: str,
    accept: str = "application/json",
    headers: Mapping[str, str] | None = None,
    read_seconds: float = READ_SECONDS,
) -> bytes:
    """The body of a response with status 200; raises Unreachable or Refused for everything else."""
    return fetch(url, accept, headers, read_seconds).body


def fetch(
    url: str,
    accept: str = "application/json",
    headers: Mapping[str, str] | None = None,
    read_seconds: float = READ_SECONDS,
) -> Answer:
    """A response with status 200; raises Unreachable or Refused, with the first 300 bytes of the body, for all others.

    The message of an error names method and path and says what the source says in its body (`said`); never the host,
    query or headers (they may hold keys), nor the reason phrase (NBP sends it in CP1250). Raises Misconfigured when the
    environment forbids all requests. Inside `answered_until` the request ends by that time.
    """
    place, started = place_of(url), time.monotonic()
    try:
        answer = requested(url, place, {"Accept": accept, **(headers or {})}, read_seconds)
    except (Unreachable, Refused) as error:
        log_failure(error, url, started)
        raise
    logger.debug("GET %s: 200, %d bytes in %d ms", place, len(answer.body), milliseconds(started))
    return answer


def log_failure(error: Unreachable | Refused, url: str, started: float) -> None:
    """The message names the place. A source that is away fails every poll: it has a line an hour, and a count.

    404 is how the NBP says that nothing was published.
    """
    cause = {"cause": f"call: {httpx.URL(url).host} {type(error).__name__} {error.status}"}
    level = logging.DEBUG if error.status == 404 else logging.INFO
    logger.log(level, "%s (after %d ms)", error, milliseconds(started), extra=cause)


def milliseconds(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def requested(url: str, place: str, headers: Mapping[str, str], read_seconds: float) -> Answer:
    seconds = min(MAX_SECONDS, _deadline.get() - time.monotonic())
    if seconds <= 0:
        raise Unreachable(Message("no_time_left", place=place))
    timeout = httpx.Timeout(min(read_seconds, seconds), connect=min(CONNECT_SECONDS, seconds))
    secrets = secrets_of(url, {name: value for name, value in headers.items() if name != "Accept"})
    try:
        with client().stream("GET", url, headers=dict(headers), timeout=timeout) as answer:
            body = read(answer, place, seconds)
    except NotPublic as error:
        raise Refused(Message("not_public", place=place, fault=str(error))) from None
    except httpx.ProxyError as error:
        # Without its message: the proxy wrote it, and may name whom it does not let through.
        raise Unreachable(by_proxy(place, error)) from None
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError, OverflowError) as error:
        # Without its message: that of a malformed header quotes the value, which may be a key.
        raise Refused(Message("cannot_be_asked", place=place, kind=type(error).__name__)) from None
    except httpx.ConnectError as error:
        raise Unreachable(broken_off(place, error, secrets), nobody=True) from None
    except httpx.TimeoutException:
        raise Unreachable(Message("no_answer", place=place)) from None
    except (httpx.TransportError, httpx.StreamError) as error:
        raise Unreachable(broken_off(place, error, secrets)) from None
    except httpx.DecodingError:
        raise Unreachable(Message("compression", place=place)) from None
    if answer.status_code != 200:
        raise refusal(answer, body, place, secrets)
    return Answer(body, answer.headers)


def place_of(url: str) -> str:
    """The path of a URL, which errors may show. Errors are public; the host of an operator's own `base_url` is not."""
    try:
        return httpx.URL(url).path
    except httpx.InvalidURL:  # without its message, which quotes host or port
        raise Refused(Message("not_a_url")) from None


def read(answer: httpx.Response, place: str, seconds: float) -> bytes:
    started, body = time.monotonic(), bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Refused(Message("too_long", place=place, size=MAX_BYTES), answer.status_code)
        if time.monotonic() - started > seconds:
            raise Unreachable(Message("still_answering", place=place, seconds=round(seconds)))
    return bytes(body)


def refusal(answer: httpx.Response, body: bytes, place: str, secrets: list[str]) -> Unreachable | Refused:
    status = answer.status_code
    text = text_of(body[:BODY_IN_ERROR])
    words = said(body, secrets)
    known = Message("http_status", place=place, status=status)
    message = Message("http_said", place=place, status=status, said=words) if words else known
    wait = retry_after(answer.headers.get("Retry-After", ""))
    if status in {408, 429} or status >= 500:
        return Unreachable(message, wait, status, text)
    return (Blocked if status == 451 else Refused)(message, status, text, wait)


def secrets_of(url: str, headers: Mapping[str, str]) -> list[str]:
    """What the source may quote and no error may show: host, user, password, and the values of headers."""
    address = httpx.URL(url)
    values = [word for value in headers.values() for word in (value, *value.split())]
    return [address.host, address.username, address.password, *values]


def broken_off(place: str, error: httpx.TransportError | httpx.StreamError, secrets: list[str]) -> Message:
    """Without the secrets: a certificate of another host is refused with the name of ours."""
    words = without(secrets, str(error))
    return Message("connection", place=place, kind=type(error).__name__, words=words)


def by_proxy(place: str, error: httpx.ProxyError) -> Message:
    """With the status that httpcore puts first, such as 407."""
    number = str(error)[:3]
    known = Message("by_proxy", place=place)
    return Message("by_proxy_status", place=place, status=number) if number.isdecimal() else known


def retry_after(value: str) -> float | None:
    return network_retry_after(value, LONGEST_RETRY_AFTER)
