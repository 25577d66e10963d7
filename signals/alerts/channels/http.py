"""The one sender of channels over HTTP: public https addresses, no redirects, one deadline, every failure as Failed.

httpx's client is left out on purpose: it follows redirects, keeps cookies and logs whole addresses.
"""

import ssl
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from threading import Lock
from urllib.parse import parse_qsl, quote, unquote

import httpx
from django.conf import settings

from markets.network import allowed_urls, environment, timed
from markets.network.allowed_urls import Fault
from markets.network.guarded import NotPublic
from markets.network.retry_after import retry_after
from markets.network.said import said
from signals.alerts.channels import channel
from signals.alerts.channels.channel import Failed

# So much of an answer is read; the words in it are shorter.
MAX_BYTES = 64 * 1024
LONGEST_RETRY_AFTER = timedelta(days=1)
USUAL_PORTS = {"http": 80, "https": 443}
# Some receivers refuse the default User-Agent of HTTP libraries. An answer that is not compressed is no bomb.
HEADERS = {"User-Agent": "Charon/0.1 (alerts)", "Accept": "*/*", "Accept-Encoding": "identity"}

# Without the lock, two threads that call a functools.cache function first would each read the certificates (15 ms).
_lock = Lock()


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: Collection[str] = (),
    trusted: bool = False,
    seconds: float | None = None,
) -> int:
    """The status of the answer, which is 2xx; raises Failed for everything else, within `channel.SECONDS`.

    The error says what the receiver says in its body (`said`), without what was sent: host, path, query, values of
    headers, and `secrets`, which stand in the body. `trusted`: the address is the environment's, and may be private.
    """
    with timed.within(channel.SECONDS if seconds is None else seconds):
        request = request_of(url, body, {**HEADERS, **headers})
        answer = answered(request, trusted)
        try:
            beginning = read(answer)
        except httpx.TransportError as error:
            raise Failed(f"{named(answer.status_code)}, but {words(error)}", answer.status_code) from None
        finally:
            answer.close()
    if not answer.is_success:
        raise failure(answer, said(beginning, [*sent_with(request), *secrets]))
    return answer.status_code


def request_of(url: str, body: bytes, headers: Mapping[str, str]) -> httpx.Request:
    waits = httpx.Timeout(channel.SECONDS).as_dict()
    try:
        return httpx.Request("POST", url, content=body, headers=dict(headers), extensions={"timeout": waits})
    except (httpx.InvalidURL, ValueError, TypeError):
        # Without its message: that of a malformed address or header quotes it.
        raise Failed("the address or a header cannot be sent", final=True) from None


def answered(request: httpx.Request, trusted: bool) -> httpx.Response:
    try:
        return transport(trusted).handle_request(request)
    except NotPublic as error:
        raise Failed(f"the address {error}") from None
    except environment.NotUnderstood as error:
        raise Failed(str(error)) from None
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError, OverflowError):
        raise Failed("the address or a header cannot be sent", final=True) from None
    except httpx.TransportError as error:
        raise Failed(words(error)) from None


def transport(trusted: bool = False) -> environment.Routes:
    with _lock:
        return new_transport(trusted)


@cache
def new_transport(trusted: bool = False) -> environment.Routes:
    return environment.transport(may_be_private if trusted else must_be_public, ends_in_time=True)


def may_be_private(_url: httpx.URL) -> bool:
    return False


def must_be_public(url: httpx.URL) -> bool:
    """Whether neither the host nor this port of it stands in CHANNEL_ALLOWED_HOSTS."""
    host = f"[{url.host}]" if ":" in url.host else url.host.removesuffix(".")
    return {host, f"{host}:{url.port or USUAL_PORTS.get(url.scheme)}"}.isdisjoint(settings.CHANNEL_ALLOWED_HOSTS)


def fault_of(url: str) -> Fault | None:
    """Why nothing would be sent to this address, as far as it can be told without a look-up; a query is allowed."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return Fault.NO_ADDRESS
    if parsed.userinfo:
        return Fault.LOGIN
    if parsed.scheme in USUAL_PORTS and parsed.host and not must_be_public(parsed):
        return None
    return allowed_urls.against(url.partition("#")[0].partition("?")[0])


def read(answer: httpx.Response) -> bytes:
    """The first 64 kB of the body; nothing of one that is compressed though it was not to be."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        return b""
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) >= MAX_BYTES:
            break
    return bytes(body[:MAX_BYTES])


def failure(answer: httpx.Response, words: str) -> Failed:
    status = answer.status_code
    if 300 <= status < 400:
        return Failed(f"{named(status)}: redirects are not followed", status)
    wait = retry_after(answer.headers.get("Retry-After", ""), LONGEST_RETRY_AFTER.total_seconds())
    asked = status in {429, 503} and wait is not None
    return Failed(
        f"{named(status)}{': ' * bool(words)}{words}",
        status,
        timedelta(seconds=wait or 0) if asked else None,
        gone=status == HTTPStatus.GONE,
    )


def named(status: int) -> str:
    """`HTTP 404 Not Found`; the receiver's own reason phrase may hold anything."""
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


def words(error: httpx.TransportError) -> str:
    """Why there was no answer; never in the words of the error, which name the host."""
    causes = list(chain(error))
    if any(isinstance(cause, httpx.ProxyError) for cause in causes):
        return "the proxy refused"
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return "the certificate of the receiver is not trusted"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "no TLS connection to the receiver"
    if any(isinstance(cause, TimeoutError | httpx.TimeoutException) for cause in causes):
        return f"no whole answer within {channel.SECONDS:.0f} s"
    if any(isinstance(cause, httpx.ReadError | httpx.WriteError | httpx.ProtocolError) for cause in causes):
        return "the connection broke off"
    return "no connection to the receiver"


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, its cause, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def sent_with(request: httpx.Request) -> list[str]:
    """What the receiver may quote and no error may show: the parts of the address and the values of headers."""
    url = request.url
    path, _, query = url.raw_path.decode("ascii").partition("?")
    parts = [str(url), url.host, path, *path.split("/"), query, *(value for _, value in parse_qsl(query))]
    found = [*parts, *(word for value in request.headers.values() for word in (value, *value.split()))]
    return [form for part in found for form in (part, quote(part, safe=""), unquote(part))]
