"""Which bodies are taken: the same rule in the front, before a byte is read, and in Django without the front."""

import asyncio

from charon.serving.rsgi import Proto

# The largest form of the admin has 12 kB, an invoice of a hundred lines 15 kB.
LIMIT = 64 * 1024
# By address, as `charon.api.addresses.canonical` writes it. Five hundred lines of nine inputs are 110 kB of JSON.
LARGER = {"/api/v1/tax-rate": 256 * 1024}
LARGEST = max(LIMIT, *LARGER.values())
# Forms and JSON of 256 kB take a telephone in a tunnel three seconds; who needs more time is not sending.
SECONDS = 5.0
TAKING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def refusal(method: str, path: str, length: str | None, transfer: str | None) -> int:
    """The status for an announced body that is not taken, and 0 for one that is; `path` is the canonical one.

    413: too large, or sent to a method that takes none. 411: in pieces (`Transfer-Encoding`), so that nobody knows how
    large it becomes. 400: both, of which a proxy may have believed the other one (RFC 9112, 6.3); under granian the
    length never gets this far, and it is 411.
    """
    if transfer and length:
        return 400
    if method not in TAKING:
        return 413 if transfer or length not in (None, "", "0") else 0
    if transfer:
        return 411
    return 0 if not length or (length.isdecimal() and int(length) <= LARGER.get(path, LIMIT)) else 413


async def read(proto: Proto) -> bytes:
    """The whole body; TimeoutError when it has not come in time."""
    async with asyncio.timeout(SECONDS):
        return await proto()
