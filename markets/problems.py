"""The register of faults: what the installation found wrong with itself, told once, closed when it is gone.

Whoever can see a fault reports it with its kind and subject; a task that looks at a whole kind says with `settle` which
subjects are at fault now, so that all others close. The register never raises because the database is away.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _

from markets import clock
from markets.jobs import runs
from markets.models import Problem

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise  # stands in the stubs alone

logger = logging.getLogger(__name__)


class Kind(NamedTuple):
    """What people read of a kind of fault: its name, what it harms, and what mends it."""

    title: "_StrPromise"
    harm: "_StrPromise"
    remedy: "_StrPromise"


KINDS: dict[str, Kind] = {
    "proxy": Kind(
        _("Niezrozumiały adres serwera pośredniczącego"),
        _("Nic nie jest pobierane; strony i API działają."),
        _("Popraw zmienną środowiska i uruchom system ponownie."),
    ),
    "compiler": Kind(
        _("Silnik sygnałów działa bez skompilowanego kodu"),
        _("Sygnały są liczone poprawnie, ale wolniej: po każdym starcie procesu albo przez cały czas."),
        _("Daj procesom prawo zapisu w katalogu danych albo wskaż zmienną NUMBA_CACHE_DIR katalog do zapisu."),
    ),
    "engine": Kind(
        _("Silnik sygnałów zgłasza błędy"),
        _("Część sygnałów nie jest wyznaczana na nowo; kursy są pobierane i pokazywane."),
        _("Sprawdź błąd w szczegółach i w dzienniku; silnik próbuje ponownie co godzinę i po nowych danych."),
    ),
    "clock": Kind(
        _("Zegar systemowy był przestawiony"),
        _("Zadania mogły być uruchamiane za wcześnie lub za późno; ich terminy zostały poprawione."),
        _("Włącz synchronizację czasu (NTP) na każdej maszynie, na której działa system."),
    ),
    "liveness": Kind(
        _("Proces przestał odpowiadać i został zastąpiony"),
        _("Przez około minutę nie działało to, co ten proces robi."),
        _("Nic nie trzeba robić; jeżeli się powtarza, sprawdź dziennik oraz obciążenie i pamięć maszyny."),
    ),
    "figures_refused": Kind(
        _("Źródło podaje wartości, których nie można przyjąć"),
        _("Odrzuconych kursów brakuje; pozostałe zostały zapisane."),
        _("Sprawdź uwagi zadania. Braki są pobierane ponownie, aż nadejdą lub zaakceptujesz luki w panelu."),
    ),
}


def report(kind: str, subject: str = "", detail: str = "") -> None:
    """Open the problem, or confirm that it lasts. Call it outside the transaction that may be rolled back."""
    with best_effort(kind):
        found = Problem.objects.filter(kind=kind, subject=subject, closed_at=None)
        now, text = clock.now(), runs.scrub(detail)
        if found.update(seen_at=now, times=F("times") + 1, detail=text):
            return
        try:
            with transaction.atomic():
                Problem.objects.create(kind=kind, subject=subject, detail=text, opened_at=now, seen_at=now)
        except IntegrityError:  # another process was faster
            found.update(seen_at=now)
            return
        logger.warning("Problem: %s %s: %s", kind, subject, text)


def close(kind: str, subject: str = "") -> None:
    with best_effort(kind):
        Problem.objects.filter(kind=kind, subject=subject, closed_at=None).update(closed_at=clock.now())


def settle(kind: str, found: Mapping[str, str]) -> None:
    """Exactly these subjects (with their details) are at fault now; every other open problem of the kind closes."""
    with best_effort(kind):
        gone = Problem.objects.filter(kind=kind, closed_at=None).exclude(subject__in=found)
        gone.update(closed_at=clock.now())
    for subject, detail in found.items():
        report(kind, subject, detail)


def current() -> QuerySet[Problem]:
    """The open problems, the newest first."""
    return Problem.objects.filter(closed_at=None)


@contextmanager
def best_effort(kind: str) -> Iterator[None]:
    if kind not in KINDS:
        raise KeyError(kind)
    try:
        yield
    except DatabaseError as error:
        logger.warning("The problem %s could not be recorded: %s", kind, type(error).__name__)
