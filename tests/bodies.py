"""Response bodies: recorded ones, and ones that no provider should ever send with a 200."""

from collections.abc import Callable
from pathlib import Path

import pytest
import respx

from miner.fetch.errors import ProviderError

RECORDED = Path(__file__).parent / "recorded"

RUBBISH = [
    b"",
    b" ",
    b"null",
    b'""',
    b"0",
    b"<html><body><h1>Just a moment...</h1></body></html>",
    b"error code: 1020",
    b"\x00\xff\xfe",
    b"\xef\xbb\xbf{",
    b'{"a":',
    b"[" * 200_000,
    b'{"result":' + b"[" * 200_000,
    b'{"error":{"status":{"error_code":500}}}',
    b'{"status":{"error_code":429,"error_message":"slow"}}',
]

rubbish = pytest.mark.parametrize("body", RUBBISH, ids=lambda body: repr(body[:24]))


def recorded(code: str, name: str) -> bytes:
    return (RECORDED / code / name).read_bytes()


def error_of(work: Callable[[], object], status: int, body: bytes, **headers: str) -> ProviderError:
    """The error that `work` raises when every request gets this response."""
    with respx.mock as web:
        web.get(url__regex=".*").respond(status, content=body, headers=headers)
        with pytest.raises(ProviderError) as caught:
            work()
    return caught.value
