"""The addresses of the API. What its routers answer below /api/v1 also answers at the root, however it is spelt."""

from charon.api.app import api

API = "/api/v1/"

# Both are the stream of events, which live answers, and the web with 503.
STREAM = API + "stream"
STREAM_NAMES = {"stream", "sse"}

PATTERNS = [route.pattern for route in api.urls[0] if str(route.pattern)]
# `rates`, `stats/miner`: an address without a parameter is looked up, because every request comes by here.
NAMES = frozenset(str(pattern) for pattern in PATTERNS if not pattern.converters)
# `assets/<path:symbol>`: below these stands the name of one thing.
THINGS = [pattern for pattern in PATTERNS if pattern.converters]
FIRST_PARTS = frozenset(str(pattern).split("/")[0] for pattern in PATTERNS) | {"api"}


def canonical(path: str) -> str:
    """`/rates`, `/rates/`, `/api/rates` and `/api/v1/rates/` are `/api/v1/rates`; every other path is itself."""
    name = path.removeprefix("/").removesuffix("/").removeprefix("api/")
    if name.removeprefix("v1/") in STREAM_NAMES:
        return STREAM
    if name in NAMES or names_one_thing(name):
        return API + name
    if path.startswith(API) and path != API:
        return path.removesuffix("/")
    return API if path == API.removesuffix("/") else path


def names_one_thing(name: str) -> bool:
    if "//" in name or name.endswith("/"):
        return False
    return any(pattern.match(name) for pattern in THINGS)


def is_api(path: str) -> bool:
    """Whether the first part of the path is the API's: what is unknown below it is answered in the envelope."""
    return path.startswith("/") and path.split("/")[1] in FIRST_PARTS
