"""The language of a page is that of its address: English below /en/, Polish elsewhere; no header and no cookie."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation

View = Callable[[HttpRequest], HttpResponseBase]
ENGLISH = "/en"
# A page names its own address four times.
LONGEST_QUERY = 300


def by_address(get_response: View) -> View:
    """Before everything that can answer with words, also the pages of errors."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        language = language_of(request.path_info)
        translation.activate(language)
        request.LANGUAGE_CODE = language
        response = get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Content-Language", language)
        return response

    return middleware


def language_of(path: str) -> str:
    return "en" if path == ENGLISH or path.startswith(f"{ENGLISH}/") else "pl"


def context(request: HttpRequest) -> dict[str, object]:
    """For templates: the language, and the same page in each language, for its switch and for search engines.

    Addresses begin with PUBLIC_URL or have no host: a page that is kept must not carry the host of one caller.
    """
    bare = request.path[len(ENGLISH) :] if language_of(request.path) == "en" else request.path
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    if len(query) > LONGEST_QUERY:
        query = ""
    addresses = {"pl": bare or "/", "en": f"{ENGLISH}{bare or '/'}"}
    current = language_of(request.path)
    return {
        "lang": current,
        "locale": {"pl": "pl_PL", "en": "en_GB"}[current],
        "public_url": settings.PUBLIC_URL,
        "addresses": addresses,
        "address": addresses[current],
        "address_query": query,
    }
