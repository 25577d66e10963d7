"""The API: the routers of the apps under one roof, one check of parameters, one envelope for every error."""

import functools
import logging
import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from ninja import NinjaAPI, Query, Router
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.docs import Redoc, Swagger
from ninja.openapi.schema import OpenAPISchema

from charon import detection
from charon.api import described, health, idempotency, media, message_log, parameters
from charon.api.errors import envelope, no_database, unauthorized, unavailable
from markets.api.assets import router as assets_router
from markets.api.candles import router as candles_router
from markets.api.compare import router as compare_router
from markets.api.convert import router as convert_router
from markets.api.csv_rate import router as csv_router
from markets.api.exports import lists_as_files
from markets.api.gold import router as gold_router
from markets.api.history_files import router as history_files_router
from markets.api.latest import router as latest_router
from markets.api.prices import router as prices_router
from markets.api.provenance import router as provenance_router
from markets.api.rates import router as markets_router
from markets.api.responses import reply, uncached
from markets.api.revisions import router as revisions_router
from markets.api.schemas import COMMON_ERRORS, Envelope
from markets.api.tax import router as tax_router
from markets.api.tax_lines import LinesParser
from markets.errors import QuestionError, is_storage_fault, log_cause
from markets.jobs import runs
from markets.redis import pubsub
from miner.api import router as miner_router
from miner.batch.api import router as batch_router
from miner.gaps.api import router as gaps_router
from signals.alerts.api import router as alerts_router
from signals.alerts.deliver.api import router as deliver_router
from signals.api import router as signals_router
from signals.outcomes.api import router as outcomes_router
from signals.provenance_api import router as signal_provenance_router

logger = logging.getLogger(__name__)

# What ninja draws where it is no app of Django's (charon.settings.NINJA); its own loads everything from a CDN.
TEMPLATES = settings.BASE_DIR / "templates" / "ninja"

DESCRIPTION = """
Official exchange rates and gold prices of the National Bank of Poland, market prices and candles, and what follows from
them.

* Every address also answers at the root: `/rates` is `/api/v1/rates`. A slash at the end makes no difference.
* Rates, prices, amounts and indicators are strings with all their digits (`"2.6410"`); numbers are counts and durations
  in seconds. Days are `YYYY-MM-DD`; moments are UTC.
* Lists are `{"items": [...], "count": n}`; `count` is the total before paging. `/prices`, `/assets` and `/alerts` are
  bare arrays with their total in `X-Total-Count`.
* Every error is `{"error": {"code", "message", "detail", "id"}}`, at unknown addresses too: 422 for a parameter that is
  unknown, missing or of the wrong type, 400 for one that means nothing, 404 for an unknown code, with its nearest
  neighbours in `detail`, 401 for what only operators may do and for a token that is not valid, wherever it is named,
  403 for a token or an account without the right, 429 with `Retry-After` beyond a limit. `RateLimit` and
  `RateLimit-Policy` say what is left of it.
* A body of up to 64 kB (`POST /tax-rate`: 256 kB) with its `Content-Length` is taken, by methods that change something:
  else 413, in pieces 411, and 408 when it does not arrive within 5 s; 415 says which types are taken. 503 says in
  `Retry-After` when to come again. A POST for operators heeds an `Idempotency-Key`: sent again within a day it is
  answered with the first answer.
* Every public answer but `/health` has an `ETag`: sent back in `If-None-Match` it is answered with 304 and no body
  while nothing has changed. `Cache-Control` says how long it may be kept: official rates and decisions for a minute,
  candles and sources for 15 s, prices, alerts and the state of the work for 5 s; closed years are asked for each time.
  Errors are kept by nobody, nor are an operator's answers, which have no `ETag`.

Events: `GET /sse`, also `/stream`, sends prices, rates, signals, alerts and ended jobs as server-sent events
(`?kinds=prices,rates&codes=EUR,BTC`) where there is Redis, else 503.

Four operations differ in one point, and their descriptions say how: `count` of `/candles` and `/redis/log`, `limit` of
`/stats/miner`, `histogram` of `/signals/current`.
""".strip()

# The documentation's scripts come from here; what they would like to fetch elsewhere (a logo) stays out. They write
# styles into the page themselves.
POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; frame-ancestors 'none'; base-uri 'self'; "
    "form-action 'self'"
)


def offline(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The page may run the scripts that its template has, each with the nonce of this answer, which nobody keeps."""

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response, nonce = view(request, *args, **kwargs), secrets.token_urlsafe(16)
        if not response.headers["Content-Type"].startswith("text/html"):
            return response  # the schema
        response.content = response.content.replace(b"<script", b'<script nonce="%s"' % nonce.encode())
        response.headers["Content-Security-Policy"] = POLICY.format(nonce=nonce)
        response.headers["Cache-Control"] = "no-store"
        return response

    return answer


class OwnSwagger(Swagger):
    template_cdn = str(TEMPLATES / "swagger.html")


class OwnRedoc(Redoc):
    template_cdn = str(TEMPLATES / "redoc.html")


class DescribedOnce(NinjaAPI):
    """Its description is the same as long as the process lives, and takes 0.2 s to make."""

    schema: OpenAPISchema | None = None

    def get_openapi_schema(self, **where: Any) -> OpenAPISchema:
        if self.schema is None:
            self.schema = super().get_openapi_schema(**where)
            described.complete(self.schema)
        return self.schema


api = DescribedOnce(
    title="Charon",
    version=settings.VERSION,
    description=DESCRIPTION,
    urls_namespace="api",
    parser=LinesParser(),
    docs=OwnSwagger({"validatorUrl": None}),
    docs_decorator=offline,
)


def guarded(run: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """What holds for every operation before it runs: its parameters, the types of bodies, and a key of a write.

    ninja drops parameters it does not know, so that a misspelt filter would answer everything.
    """
    operation = run.__self__  # type: ignore[attr-defined]
    operation.by_alias = True  # in the schema the fields have the names of the answers: `from`, not `from_`
    names = parameters.known(operation)
    # What only computes is the same each time anyway.
    is_done_once = "POST" in operation.methods and bool(operation.auth_callbacks)

    @functools.wraps(run)
    def checked(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        faults = parameters.faults(request, names)
        if faults := faults + parameters.faults_of_body(request, operation):
            return invalid(request, faults)
        if answer := media.refused(request, operation):
            return answer
        return written(request, lambda: run(request, **kwargs)) if is_done_once else run(request, **kwargs)

    return checked


def written(request: HttpRequest, run: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    try:
        return idempotency.once(request, run)
    except DatabaseError as error:
        return api.on_exception(request, error)


def invalid(request: HttpRequest, faults: list[dict[str, str]]) -> HttpResponse:
    fields = ", ".join(dict.fromkeys(fault["field"] for fault in faults))
    return envelope(request, 422, f"Wrong parameters: {fields}", faults)


@api.exception_handler(ValidationError)
def wrong_types(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return invalid(request, parameters.described(request, error))


@api.exception_handler(QuestionError)
def question_error(request: HttpRequest, error: QuestionError) -> HttpResponse:
    return envelope(request, error.status, error.message, error.detail, error.code)


@api.exception_handler(HttpError)
def bad_body(request: HttpRequest, error: HttpError) -> HttpResponse:
    """ninja's own words: a body that is no JSON."""
    return envelope(request, error.status_code, error.message)


@api.exception_handler(SuspiciousOperation)
@api.exception_handler(UnreadablePostError)
def unreadable(request: HttpRequest, error: Exception) -> HttpResponse:
    """A body that is too large, has too many fields, or never came: the client's mistake is no fault of ours."""
    return envelope(request, 413 if isinstance(error, RequestDataTooBig) else 400)


@api.exception_handler(AuthenticationError)
def unauthenticated(request: HttpRequest, error: Exception) -> HttpResponse:
    return unauthorized(request)


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def storage_fault(request: HttpRequest, error: Exception) -> HttpResponse:
    return no_database(request, error)


@api.exception_handler(Exception)
def server_error(request: HttpRequest, error: Exception) -> HttpResponse:
    if is_storage_fault(error):
        return no_database(request, error)
    number = request.META["charon.request_id"]
    # The route, not the path: everybody sees it in the summary of the log, and a path is a stranger's text.
    route = request.resolver_match.route if request.resolver_match else "?"
    logger.error("/%s", route, exc_info=error)
    pubsub.note_error(f"/{route}", "dashboard", f"{number}: {runs.scrub(repr(error))}")
    return envelope(request, 500)


health_router = Router(tags=["status"])
UNABLE = {
    "database": "The database cannot be reached at the moment",
    "disk": "The disk is full, and the database cannot be read",
}


@health_router.get(
    "/health",
    response={200: health.Health, **COMMON_ERRORS, 503: health.Health | Envelope},
    operation_id="health",
    summary="Health",
)
def health_now(request: HttpRequest, asked: Query[health.Strictness]) -> HttpResponse:
    """200 while Charon can serve, and what is wrong in `problems`; 503 when it cannot, with the part that fails.

    With `strict=1` 503 also while data are missing, work was given up, the queue takes no tasks, the clock is wrong or
    the disk is nearly full.
    """
    try:
        told = health.health()
    except DatabaseError as error:
        logger.error("The database cannot be asked: %s", type(error).__name__, extra=log_cause(error))
        part = "disk" if detection.is_disk_full() else "database"
        return uncached(unavailable(request, UNABLE[part], {"part": part}))
    faulty = asked.strict and health.is_faulty(told)
    return uncached(reply(told | {"status": "fault"} if faulty else told, 503 if faulty else 200))


@health_router.get("/redoc", include_in_schema=False)
def redoc(request: HttpRequest) -> HttpResponse:
    """What /docs shows, as ReDoc draws it."""
    return offline(OwnRedoc().render_page)(request, api)


api.add_decorator(guarded, mode="view")
api.add_decorator(lists_as_files, mode="view")
api.add_router("", markets_router)
api.add_router("", latest_router)
api.add_router("", gold_router)
api.add_router("", history_files_router)
api.add_router("", convert_router)
api.add_router("", csv_router)
api.add_router("", prices_router)
api.add_router("", assets_router)
api.add_router("", candles_router)
api.add_router("", compare_router)
api.add_router("", tax_router)
api.add_router("", miner_router)
api.add_router("", batch_router)
api.add_router("", gaps_router)
api.add_router("", signals_router)
api.add_router("", deliver_router)  # before the numbers of rules, which stand in the place of its names
api.add_router("", revisions_router)
api.add_router("", signal_provenance_router)  # before the kinds of the others, which stand in the place of its name
api.add_router("", provenance_router)
api.add_router("", outcomes_router)
api.add_router("", alerts_router)
api.add_router("", message_log.router)
api.add_router("", health_router)
