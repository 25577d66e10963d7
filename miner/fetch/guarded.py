"""Which requests are guarded: those to addresses that a row names. Who writes rows may own less than Charon's host."""

import httpx

Origin = tuple[str, bytes, int | None]

# Of the rows that this process has read; the addresses of the environment and of providers are not among them.
origins: set[Origin] = set()


def add(base_url: str) -> None:
    """From now on requests to this scheme, host and port are checked."""
    try:
        origins.add(origin_of(httpx.URL(base_url)))
    except httpx.InvalidURL:
        return  # miner.fetch.http refuses it


def has(url: httpx.URL) -> bool:
    return origin_of(url) in origins


def origin_of(url: httpx.URL) -> Origin:
    return url.scheme, url.raw_host, url.port
