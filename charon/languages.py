"""The language of a page is that of its address: English below /en/, Polish elsewhere; no header and no cookie."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import get_script_prefix
from django.utils import translation
from django.utils.encoding import escape_uri_path
from django.utils.http import escape_leading_slashes

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
    current, root = language_of(request.path_info), get_script_prefix().removesuffix("/")
    bare = request.path_info[len(ENGLISH) :] if current == "en" else request.path_info
    # The rest of `/en//evil.example/` must not name a host, nor that of `/waluty/%3F/` begin a query.
    bare = escape_leading_slashes(escape_uri_path(bare or "/"))
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    if len(query) > LONGEST_QUERY:
        query = ""
    addresses = {"pl": f"{root}{bare}", "en": f"{root}{ENGLISH}{bare}"}
    return {
        "lang": current,
        "locale": {"pl": "pl_PL", "en": "en_GB"}[current],
        "public_url": settings.PUBLIC_URL,
        "addresses": addresses,
        "address": addresses[current],
        "address_query": query,
    }
