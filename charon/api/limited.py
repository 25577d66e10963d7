"""The limits of callers around Django: `limited` outside of what is kept, `weighed` for what has to be computed."""

from collections.abc import Callable
from datetime import date

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from charon.api.addresses import API, is_api
from charon.api.client_address import address_of
from charon.api.errors import envelope
from charon.api.limits import KEPT, WHOLE, Kind, Verdict, check
from charon.languages import ENGLISH
from charon.middleware import page_of_error
from markets import access, formats

View = Callable[[HttpRequest], HttpResponseBase]

VERDICT = "charon.verdict"
HEALTH = f"{API}health"
READING = {"GET", "HEAD", "OPTIONS"}
# 10,000 decisions from the middle of the table take 3 s, 1,000 rows of a first page 30 ms.
HEAVY_ROWS = 1000
HEAVY_DAYS = 5 * 366
# At most one row a day, where nothing but these is asked.
DAILY = frozenset({f"{API}rates", f"{API}gold"})
PERIOD = frozenset({"code", "from", "to", "limit"})
# The chart of seven thousand days takes 0.25 s of a worker, ten times that of a year.
WHOLE_HISTORY = "Max"
# A year of five-minute candles is read and searched for a threshold: 0.15 s.
ALERT_PREVIEW = "/alerty/podglad/"


def limited(get_response: View) -> View:
    """A tenth of a read for every request but `/health`, which must answer whatever else is going on."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info == HEALTH:
            return get_response(request)
        verdict = request.META[VERDICT] = judged(request, Kind.READS, KEPT)
        response = get_response(request) if verdict is None or verdict.allowed else refused(request, verdict)
        if verdict := request.META[VERDICT]:
            for name, value in verdict.headers:
                response.headers[name] = value
        return response

    return middleware


def weighed(get_response: View) -> View:
    """What was not kept: a write, a heavy question, or the rest of a read unless the client had the answer already."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if VERDICT not in request.META:
            return get_response(request)
        kind = kind_of(request)
        if kind is not Kind.READS and (verdict := judged(request, kind, WHOLE)):
            request.META[VERDICT] = verdict
            return get_response(request) if verdict.allowed else refused(request, verdict)
        response = get_response(request)
        if kind is Kind.READS and response.status_code != 304:
            request.META[VERDICT] = judged(request, Kind.READS, WHOLE - KEPT)
        return response

    return middleware


def judged(request: HttpRequest, kind: Kind, tenths: int) -> Verdict | None:
    """Pages know no token: the header may be for the proxy in front of them."""
    caller = None
    if "HTTP_AUTHORIZATION" in request.META and is_api(request.path_info):
        caller = access.caller_of(request)
    return check(address_of(request), caller.name if caller else "", kind, tenths)


def kind_of(request: HttpRequest) -> Kind:
    if request.method not in READING:
        return Kind.WRITES
    if not is_api(request.path_info):
        heavy = is_heavy_page(request)
    else:
        heavy = is_heavy(request.GET) and not is_short(request.path_info, request.GET)
    return Kind.HEAVY if heavy else Kind.READS


def is_heavy_page(request: HttpRequest) -> bool:
    return request.GET.get("zakres") == WHOLE_HISTORY or (
        request.path_info.removeprefix(ENGLISH) == ALERT_PREVIEW and bool(request.GET)
    )


def is_heavy(asked: QueryDict) -> bool:
    """Many rows, rows far behind the first, or years; a file without a limit may have any number of rows. What is no
    number or no day is refused anyway.
    """
    if asked.get("format", "json") != "json" and "limit" not in asked:
        return True
    if any(whole(asked.get(name, "")) > HEAVY_ROWS for name in ("limit", "offset")):
        return True
    first, last = day(asked.get("from", "")), day(asked.get("to", ""))
    return first is not None and last is not None and (last - first).days > HEAVY_DAYS


def is_short(path: str, asked: QueryDict) -> bool:
    """A year of one series has a year's rows, whatever its limit. To count it as heavy would cost more than it does."""
    if path not in DAILY or not asked.keys() <= PERIOD or "," in asked.get("code", ""):
        return False
    first, last = day(asked.get("from", "")), day(asked.get("to", ""))
    return first is not None and last is not None and (last - first).days < HEAVY_ROWS


def whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def refused(request: HttpRequest, verdict: Verdict) -> HttpResponse:
    if is_api(request.path_info):
        response = envelope(request, 429, detail={"limit": verdict.kind, "quota": verdict.quota})
    else:
        limit = formats.plural(verdict.quota, _("zapytanie,zapytania,zapytań"))
        response = too_many(request, retry=formats.duration(verdict.seconds), limit=limit)
    response.headers["Retry-After"] = str(verdict.seconds)
    return response


def too_many(request: HttpRequest, **context: str) -> HttpResponse:
    number = str(request.META.get("charon.request_id", ""))
    return page_of_error("429.html", 429, number, _("Zbyt wiele zapytań. Spróbuj ponownie za chwilę."), **context)
