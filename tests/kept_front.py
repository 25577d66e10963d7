"""The front with Django behind it in one thread, for tests of what is kept: no server, and the test's own database."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import connections

from charon import front as front_module
from charon.front import Front
from charon.kept import keeper, stamp
from tests.front_fakes import Pairs, Proto, Scope


class Threads(ThreadPoolExecutor):
    """Threads that ask through the connection of the test, so that they see its transaction."""

    def __init__(self, number: int, name: str) -> None:
        self.connection = connections["default"]
        super().__init__(number, name, initializer=self.share)

    def share(self) -> None:
        connections["default"] = self.connection


class Counted:
    """Django, and how often it was asked; `away` is a Django that must not be asked."""

    def __init__(self) -> None:
        self.django = WSGIHandler()
        self.environs: list[dict[str, Any]] = []
        self.away = False

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        assert not self.away, "Django was entered"
        self.environs.append(environ)
        return self.django(environ, start)


class Site:
    """`get` asks the front as a browser does; every question reads the stamp anew unless `clock_stands`.

    No time passes for the stamp but by `wait`, however busy the machine is.
    """

    def __init__(self) -> None:
        self.django = Counted()
        self.front = Front(self.django)
        self.clock_stands = False
        self.moment = 1000.0

    @property
    def asked(self) -> int:
        return len(self.django.environs)

    def get(self, path: str, *pairs: tuple[str, str], method: str = "GET", **more: Any) -> Proto:
        return self.all([self.scope(path, list(pairs), method, **more)])[0]

    def scope(self, path: str, pairs: Pairs, method: str = "GET", **more: Any) -> Scope:
        path, _, query = path.partition("?")
        return Scope(path, method, pairs, query, **more)

    def all(self, scopes: list[Scope]) -> list[Proto]:
        async def ask() -> list[Proto]:
            protos = [Proto() for _ in scopes]
            front: Any = self.front
            await asyncio.gather(*(front.__rsgi__(*pair) for pair in zip(scopes, protos, strict=True)))
            await asyncio.gather(*front.keeper.series.tasks)
            return protos

        if not self.clock_stands:
            self.front.keeper.stamp.expire()
        self.front.keeper.stamp.reading = None  # of the loop before
        return asyncio.run(ask())

    def wait(self, seconds: float) -> None:
        """The clock of the stamp, which stands otherwise, goes on by so much."""
        self.moment += seconds

    def monotonic(self) -> float:
        return self.moment


@contextmanager
def running(monkeypatch: Any) -> Iterator[Site]:
    monkeypatch.setattr(front_module, "ThreadPoolExecutor", Threads)
    # In the transaction of a test it would close the connection at the end of each request.
    monkeypatch.setattr(connections["default"], "close_if_unusable_or_obsolete", lambda: None)
    connections["default"].inc_thread_sharing()
    site = Site()
    monkeypatch.setattr(stamp, "time", site)
    monkeypatch.setattr(stamp, "PATIENCE_SECONDS", 30.0)
    monkeypatch.setattr(keeper, "WAIT_SECONDS", 30.0)
    try:
        yield site
    finally:
        keeping = site.front.keeper
        for threads in (site.front.threads, site.front.exports, keeping.stamp.threads, keeping.packing):
            threads.shutdown()
        connections["default"].dec_thread_sharing()


def stamp_away(monkeypatch: Any, site: Site) -> None:
    def away() -> Any:
        raise OSError("no database")

    monkeypatch.setattr(site.front.keeper.stamp, "read", away)
