"""Who calls: a token that is not valid is refused at every address of the API."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from charon.api.addresses import is_api
from charon.api.errors import unauthorized
from markets import access, api_tokens

View = Callable[[HttpRequest], HttpResponseBase]


def identified(get_response: View) -> View:
    """401 for an `Authorization` that names no valid token, of whatever scheme and also where reading is free.

    Otherwise a client whose token was revoked would become the public without a word, and lose rows. It stands behind
    what is kept: a request with that header is never given that. Pages know no such header: it may be for the proxy in
    front of them.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if "HTTP_AUTHORIZATION" not in request.META or not is_api(request.path_info):
            return get_response(request)
        caller = access.caller_of(request)
        if caller is access.STRANGER:
            return unauthorized(request)
        response = get_response(request)
        if caller and caller.row and response.status_code < 400:
            api_tokens.note_use(caller.row)
        return response

    return middleware
