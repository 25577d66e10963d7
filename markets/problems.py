"""The register of faults: what the installation found wrong with itself, told once, closed when it is gone.

Whoever can see a fault reports it with its kind and subject; a task that looks at a whole kind says with `settle` which
subjects are at fault now, so that all others close. The register never raises because the database is away.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _

from markets import clock
from markets.errors import log_cause
from markets.jobs import runs
from markets.messages import Message
from markets.models import Problem

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise  # stands in the stubs alone

logger = logging.getLogger(__name__)
# The details of a fault by its subject; None for a fault that its kind and subject say all of.
Details: TypeAlias = Mapping[str, Message | None]


class Kind(NamedTuple):
    """What people read of a kind of fault: its name, what it harms, and what mends it."""

    title: "_StrPromise"
    harm: "_StrPromise"
    remedy: "_StrPromise"
    # Whether figures that people read on the pages are missing or old by it.
    reader: bool = False
    # Whether `/health?strict=1` and pulse's health answer 503 for it.
    strict: bool = False
    # The table in the admin where it is mended.
    admin: str = ""
    # Whether its subject is for operators alone.
    private: bool = False


class Fault(NamedTuple):
    """A fault as it was found; `kind` is one of KINDS."""

    kind: str
    subject: str = ""
    detail: Message | None = None


KINDS: dict[str, Kind] = {
    "proxy": Kind(
        _("Niezrozumiała zmienna środowiska: serwer pośredniczący lub certyfikaty"),
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
    "outcomes": Kind(
        _("Wyników reguł nie udało się przeliczyć"),
        _("Pokazywane są wyniki z poprzedniego przeliczenia albo bez szeregów wymienionych w szczegółach."),
        _("Następna próba będzie w nocy; przyczynę podają szczegóły i dziennik kolejki sygnałów."),
    ),
    "liveness": Kind(
        _("Proces przestał odpowiadać i został zastąpiony"),
        _("Przez około minutę nie działało to, co ten proces robi."),
        _("Nic nie trzeba robić; jeżeli to się powtarza, sprawdź dziennik oraz obciążenie i pamięć maszyny."),
    ),
    "source_failed": Kind(
        _("Pobieranie ze źródła się nie udaje"),
        _("Nowe dane z tego źródła nie przychodzą; pokazywane są ostatnie wczytane."),
        _("System sam ponawia próby; przyczynę podaje dziennik zadań. Źródło sprawdza akcja „Sprawdź połączenie”."),
        admin="markets_source",
    ),
    "source_stale": Kind(
        _("Dane ze źródła są nieaktualne"),
        _("Na stronach są starsze kursy lub ceny, a sygnały liczone są z nich."),
        _("Użyj akcji „Pobierz teraz” przy źródle albo polecenia manage.py mine."),
        reader=True,
        strict=True,
        admin="markets_source",
    ),
    "gap": Kind(
        _("Luka w danych, której źródło nie uzupełnia"),
        _("W historii brakuje wartości; wykres i statystyki ich nie obejmują."),
        _("Uzupełnij zakres dni przy źródle albo zaakceptuj lukę na liście luk."),
        admin="markets_gap",
    ),
    "cross_source": Kind(
        _("Dwa źródła podają wartości odległe od siebie bardziej niż zwykle"),
        _("Wartość jednego z nich może być błędna; obie są pokazywane tak, jak je opublikowano."),
        _(
            "Porównaj obie wartości ze stronami źródeł; zestawienie podaje adres /api/v1/compare. Problem zamknie się, "
            "gdy różnica wróci do zakresu z ostatniego roku."
        ),
    ),
    "job_failed": Kind(
        _("Ostatnie zadanie tego rodzaju się nie udało"),
        _("Część pracy nie jest wykonana; system spróbuje ponownie o następnej porze."),
        _("Przyczynę podaje dziennik zadań."),
        admin="markets_job",
    ),
    "job_lost": Kind(
        _("Proces zniknął w trakcie zadania"),
        _("Zadanie zacznie się od miejsca, w którym zostało przerwane, o następnej porze."),
        _("Gdy to się powtarza, sprawdź pamięć maszyny i dziennik systemu."),
        admin="markets_job",
    ),
    "work_given_up": Kind(
        _("Zadanie porzucone po kilku próbach"),
        _("To, co miało zrobić, czeka na następny termin w harmonogramie."),
        _("Przyczynę podaje lista nieudanych zadań; pobieranie wznawia akcja „Pobierz teraz” przy źródle."),
        strict=True,
        admin="django_q_failure",
    ),
    "fill_given_up": Kind(
        _("Zamówione uzupełnianie historii porzucone po kilku próbach"),
        _("W zamówionym zakresie dni może brakować wartości; nowe dane przychodzą jak zwykle."),
        _(
            "Zleć zakres ponownie: akcja „Uzupełnij zakres dni w wybranych źródłach” na liście źródeł albo polecenie "
            "podane w szczegółach (manage.py mine źródło --from RRRR-MM-DD --to RRRR-MM-DD). Przyczynę podaje lista "
            "nieudanych zadań."
        ),
        strict=True,
        admin="markets_source",
    ),
    "times_ahead": Kind(
        _("Zapisane terminy leżą w przyszłości"),
        _("Pobieranie może się opóźnić, a wiek danych jest nieprawdziwy."),
        _("Ustaw zegar maszyny i włącz jego synchronizację; terminy poprawią się same."),
        strict=True,
    ),
    "queue": Kind(
        _("Kolejka nie bierze zadań"),
        _("Nowe dane i sygnały nie powstają, dopóki zadania czekają."),
        _("Uruchom system ponownie; gdy to nie pomaga, sprawdź dziennik procesu kolejki."),
        reader=True,
        strict=True,
    ),
    "figures_refused": Kind(
        _("Źródło podało wiele błędnych wartości"),
        _("Odrzuconych wartości nie ma na stronach; następne pobrania pytają o nie ponownie."),
        _("Odrzucone wartości wymienia zadanie w dzienniku zadań."),
        admin="markets_job",
    ),
    "outbox": Kind(
        _("Nowych danych nie udało się przeliczyć"),
        _("Sygnały tych instrumentów nie obejmują najnowszych danych."),
        _("Przyczynę podaje lista „Kolejka przeliczeń”; następne dane tych instrumentów przeliczą wszystko."),
        reader=True,
        strict=True,
        admin="markets_outboxevent",
    ),
    "redis": Kind(
        _("Redis jest nieosiągalny"),
        _("Strony i API działają bez niego; nie działa strumień zdarzeń, a odpowiedzi liczone są częściej."),
        _("Sprawdź serwer Redis i zmienną REDIS_URL; połączenie wróci samo."),
    ),
    "disk": Kind(
        _("Na dysku kończy się miejsce"),
        _("Gdy się skończy, nowe dane nie zostaną zapisane; strony i API dalej działają."),
        _("Zwolnij miejsce na dysku z katalogiem danych; reszta wróci sama."),
        strict=True,
    ),
    "channel_broken": Kind(
        _("Kanał alertów nie działa"),
        _("Wiadomości o alertach nie dochodzą tym kanałem; alerty powstają i widać je w systemie."),
        _("Sprawdź ustawienia kanału i wyślij wiadomość próbną; przyczynę podają próby wysłania przy wiadomościach."),
        admin="alerts_channel",
        private=True,
    ),
    "delivery_late": Kind(
        _("Wiadomości o alertach czekają na wysłanie"),
        _("Alerty powstają i widać je w systemie, ale ich odbiorcy jeszcze o nich nie wiedzą."),
        _("Sprawdź kolejkę sygnałów oraz kanały; próby wysłania i ich błędy podaje lista wiadomości."),
        admin="alerts_delivery",
    ),
    "schedules": Kind(
        _("Harmonogram zadań nie jest wykonywany"),
        _("To, co miało się zacząć o swojej porze, nie jest robione; strony i API działają."),
        _("Uruchom system ponownie; brakujące pozycje zapisuje polecenie manage.py sync."),
        admin="django_q_schedule",
    ),
    "no_key": Kind(
        _("Włączone źródło nie ma klucza API"),
        _("Nic nie jest z niego pobierane; inne źródła działają."),
        _("Ustaw zmienną podaną w szczegółach i uruchom system ponownie albo wyłącz źródło."),
        admin="markets_source",
    ),
    "backup": Kind(
        _("Brak świeżej kopii zapasowej"),
        _("Po utracie dysku lub bazy przepadną konta, ustawienia, alerty i historia zmian wartości."),
        _("Użyj polecenia make backup, najlepiej codziennie, i przenoś kopie na inną maszynę."),
    ),
    "history_files": Kind(
        _("Plików zamkniętych lat nie udało się zapisać"),
        _("Pliki mogą być starsze niż ostatnie korekty; API odpowiada z bazy danych."),
        _("Sprawdź miejsce i prawa katalogu HISTORY_DIR; następna próba będzie w ciągu minuty."),
    ),
    "database": Kind(
        _("Baza danych nie działa"),
        _("Bez niej nie działają strony, API ani pobieranie."),
        _(
            "Sprawdź serwer bazy i zmienną DATABASE_URL albo plik bazy, jego prawa i miejsce na dysku. Uszkodzoną bazę "
            "zastąp kopią zapasową: make restore FILE=..."
        ),
        strict=True,
    ),
    "migrations": Kind(
        _("Baza danych jest z innego wydania systemu"),
        _("Część systemu może zgłaszać błędy albo zapisywać niepełne dane."),
        _(
            "Brakujące migracje wykonuje start systemu albo polecenie manage.py prepare. Gdy baza jest z nowszego "
            "wydania, zaktualizuj system albo odtwórz kopię zapasową tego wydania."
        ),
    ),
    "static_files": Kind(
        _("Pliki bibliotek stron są inne niż ich wydania"),
        _("Bez dostępu do sieci CDN wykresy i formularze stron mogą nie działać."),
        _("Przywróć katalog static/vendor z wydania systemu i zbierz pliki ponownie."),
    ),
    "unexamined": Kind(
        _("Jednego ze sprawdzeń nie udało się wykonać"),
        _("Nie wiadomo, czy ta część systemu działa."),
        _("Usuń przyczynę podaną w szczegółach i uruchom manage.py doctor ponownie."),
    ),
}


def is_unhealthy(kind: str) -> bool:
    """Whether strict health answers 503 for it. The tables of a demo end in the past: they are stale by design."""
    return KINDS[kind].strict and not (settings.DEMO and kind == "source_stale")


def report(kind: str, subject: str = "", detail: Message | None = None) -> None:
    """Open the problem, or confirm that it lasts. Call it outside the transaction that may be rolled back."""
    with best_effort(kind):
        found = Problem.objects.filter(kind=kind, subject=subject, closed_at=None)
        now, (text, message) = clock.now(), runs.stored(detail) if detail else ("", None)
        said = {"detail": text, "detail_message": message}
        if found.update(seen_at=now, times=F("times") + 1, **said):
            return
        try:
            with transaction.atomic():
                Problem.objects.create(kind=kind, subject=subject, opened_at=now, seen_at=now, **said)
        except IntegrityError:  # another process was faster
            found.update(seen_at=now)
            return
        logger.warning("Problem: %s %s: %s", kind, subject, text)


def close(kind: str, subject: str = "") -> None:
    with best_effort(kind):
        Problem.objects.filter(kind=kind, subject=subject, closed_at=None).update(closed_at=clock.now())


def settle(kind: str, found: Details) -> None:
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
        logger.warning("The problem %s could not be recorded: %s", kind, type(error).__name__, extra=log_cause(error))
