"""How the tests of the NBP's replica start and ask it."""

import socket
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import pytest

from tests.replica import Replica, serve

TODAY = date(2026, 10, 26)


@pytest.fixture
def outgoing() -> set[tuple[str, int]]:
    """In place of the project's wall, which lets one replica through: here many run, all of them on this machine."""
    return set()


@pytest.fixture
def replica() -> Iterator[Replica]:
    with serve(today=TODAY) as running:
        yield running


@pytest.fixture
def client(replica: Replica) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=replica.url, verify=False) as running:
        yield running


def fetched(url: str, timeout: float = 5.0) -> httpx.Response:
    return httpx.get(url, timeout=timeout, verify=False)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.text


def rows_of(table: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["code"]: row for row in table["rates"]}


def said_on_the_wire(replica: Replica, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", replica.port), timeout=5) as line:
        line.sendall(request)
        return b"".join(iter(lambda: line.recv(65536), b""))


def first_line(replica: Replica, path: str) -> bytes:
    request = f"GET /api/{path} HTTP/1.1\r\nHost: replica\r\nConnection: close\r\n\r\n".encode()
    return said_on_the_wire(replica, request).partition(b"\r\n")[0]
