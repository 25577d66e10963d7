"""The part of granian's RSGI that the front uses, as types: granian has none of them (specification 1.6)."""

from collections.abc import Awaitable
from typing import Protocol


class Headers(Protocol):
    def keys(self) -> list[str]: ...

    def items(self) -> list[tuple[str, str]]: ...

    def get(self, key: str, default: str | None = None) -> str | None: ...

    def get_all(self, key: str) -> list[str]: ...


class Scope(Protocol):
    """`path` is decoded, `client` and `server` are `address:port`, `authority` is the host of an absolute address."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    authority: str | None
    headers: Headers


class Proto(Protocol):
    """Calling it reads the body."""

    def __call__(self) -> Awaitable[bytes]: ...

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None: ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...

    def response_file(self, status: int, headers: list[tuple[str, str]], file: str) -> None: ...
