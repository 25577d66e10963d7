"""Which pages of other origins may read the API and its events: those of ALLOWED_ORIGINS, and never with cookies."""

from collections.abc import Callable

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from charon.api.addresses import is_api


class ApiCors(CorsMiddleware):
    """The addresses of the API follow from its routers: no pattern in the settings could name them.

    It stands around what is kept, so that a kept answer has no origin in it and gets that of each request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not (settings.CORS_ALLOWED_ORIGINS or settings.CORS_ALLOW_ALL_ORIGINS):
            raise MiddlewareNotUsed("ALLOWED_ORIGINS is empty")
        super().__init__(get_response)

    def check_preflight(self, request: HttpRequest) -> HttpResponseBase | None:
        response = super().check_preflight(request)
        if response is not None:
            del response.headers["Content-Type"]  # of no content
        return response

    def is_enabled(self, request: HttpRequest) -> bool:
        return is_api(request.path_info)


def headers_of(request: HttpRequest) -> dict[str, str]:
    """What an answer of live says to the origin, which no middleware of Django sees."""
    answer = HttpResponse()
    try:
        ApiCors(lambda _: answer).add_response_headers(request, answer)
    except MiddlewareNotUsed:
        return {}
    del answer.headers["Content-Type"]
    return dict(answer.items())
