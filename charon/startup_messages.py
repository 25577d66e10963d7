"""What commands say to the operator: in Polish, or in English where the system speaks it.

Django's translations need settings, and most of these sentences are about settings that cannot be read.
"""

import os
import re

NUMBER = re.compile(r"\d+(?:\.\d+)?")
POLISH = {
    "Charon's configuration: {}": "Konfiguracja Charona: {}",
    "is not a whole number": "to nie jest liczba całkowita",
    "is not a number": "to nie jest liczba",
    "is too large": "to za duża liczba",
    "is no name and no address of a host": "to nie jest nazwa ani adres komputera",
    "is neither yes nor no": "ma być 1 albo 0 (także true/false, yes/no, on/off)",
    "must be one of {}": "ma być jednym z: {}",
    "must be at least {}": "ma wynosić co najmniej {}",
    "must be {} to {}": "ma wynosić od {} do {}",
    "must be between {} and {}": "ma wynosić od {} do {}",
    "must not be negative; {} switches it off": "nie może być ujemne; {} wyłącza limit",
    "must have at least {} characters; openssl rand -hex 32 makes one": (
        "musi mieć co najmniej {} znaków; utworzy je polecenie openssl rand -hex 32"
    ),
    "  alerts: {} shows what a receiver of alerts was sent": "  alerty: {} pokazuje, co dostał odbiornik alertów",
    "{} is no origin; write https://rates.example.org": "{} nie jest adresem pochodzenia; wpisz https://rates.example.org",
    "{} is no address and no network; write 10.0.0.0/8": "{} nie jest adresem ani siecią; wpisz 10.0.0.0/8",
    "{} is no host; write receiver.lan or 10.0.0.5:8080": "{} nie jest hostem; wpisz receiver.lan albo 10.0.0.5:8080",
    "{} is no address of a site; write https://rates.example.org": (
        "{} nie jest adresem strony; wpisz https://rates.example.org"
    ),
    "{} is neither an e-mail address nor https://, mailto: or tel:": (
        "{} nie jest adresem e-mail ani adresem https://, mailto: lub tel:"
    ),
    "is not an http(s) URL": "to nie jest adres http(s)",
    "MACD_FAST ({}) must be below MACD_SLOW ({})": "MACD_FAST ({}) ma być mniejsze niż MACD_SLOW ({})",
    "must be {} whole numbers from 1 to {}, each above the one before": (
        "ma być {} liczbami całkowitymi od 1 do {}, każda większa od poprzedniej"
    ),
    "must begin with redis://, rediss:// or unix://": "ma się zaczynać od redis://, rediss:// albo unix://",
    "behind the host stands the number of the database: redis://host:6379/0": (
        "po nazwie serwera stoi numer bazy: redis://host:6379/0"
    ),
    "the port is no port, or a / in the password is not written as %2F": (
        "port nie jest portem albo znak / w haśle nie jest zapisany jako %2F"
    ),
    "is no address of a database; write postgres://user:password@host:5432/name or sqlite:////absolute/path": (
        "to nie jest adres bazy danych; wpisz postgres://użytkownik:hasło@host:5432/nazwa albo sqlite:////pełna/ścieżka"
    ),
    "{}:// is not supported; Charon works with PostgreSQL (postgres://) and SQLite (sqlite://)": (
        "{}:// nie jest obsługiwane; Charon działa z PostgreSQL (postgres://) i SQLite (sqlite://)"
    ),
    "the name of the database is missing: postgres://user:password@host:5432/name": (
        "brakuje nazwy bazy danych: postgres://użytkownik:hasło@host:5432/nazwa"
    ),
    "a # or ? in a path or password must be written as %23 or %3F": (
        "znak # albo ? w ścieżce lub w haśle trzeba zapisać jako %23 lub %3F"
    ),
    "DATA_DIR {} cannot be used: {}.": "Nie można używać folderu DATA_DIR {}: {}.",
    "Charon already runs on {} (pid {}).": "Charon już działa na {} (pid {}).",
    "unknown": "nieznany",
    "The database cannot be reached: {}": "Nie można połączyć się z bazą danych: {}",
    "The database could not be prepared: {}": "Nie udało się przygotować bazy danych: {}",
    "HOST {} is not an address of this machine.": "HOST {} nie jest adresem tego komputera.",
    "Port {} of {} is taken; choose another with {}=...": "Port {} na {} jest zajęty; wybierz inny: {}=...",
    "Port {} needs more rights than you have; choose one above 1023 with {}=...": (
        "Port {} wymaga większych uprawnień; wybierz wyższy niż 1023: {}=..."
    ),
    "Cannot listen on {}, port {}: {}.": "Nie można nasłuchiwać na {}, port {}: {}.",
    "Port {} of {}: {}. Choose another with LIVE_PORT=...": "Port {} na {}: {}. Wybierz inny: LIVE_PORT=...",
    "Name of the account: ": "Nazwa konta: ",
    "Password: ": "Hasło: ",
    "Password again: ": "Hasło jeszcze raz: ",
    "The two passwords differ.": "Hasła nie są takie same.",
    "Nothing was made.": "Nie utworzono konta.",
    "The name or the password is no text in UTF-8.": "Nazwa lub hasło nie jest tekstem w UTF-8.",
    "There is no terminal to ask at; give {} and {}.": "Nie ma terminala, aby zapytać; podaj {} i {}.",
    "There is an account {} already; another password: manage.py changepassword {}": (
        "Konto {} już istnieje; hasło zmienia manage.py changepassword {}"
    ),
    "The account {} can sign in at /admin/.": "Konto {} może się zalogować pod adresem /admin/.",
    "  data:  {}": "  dane:    {}",
    "  live:  {}": "  na żywo: {}",
    "  admin: no account yet; make one with `make admin`": "  admin:   nie ma jeszcze konta; zakłada je `make admin`",
    "  stop:  Ctrl-C, or `make down` in another terminal": "  koniec:  Ctrl-C albo `make down` w innym terminalu",
    "DEMO: prices are made up, and so are all rates after {}.": "DEMO: ceny są zmyślone, wszystkie kursy po {} także.",
    "  today:  its table is there from midnight on, unlike at the NBP": (
        "  dziś:   tabela dnia jest tu od północy, inaczej niż w NBP"
    ),
    "  gaps:   a table C comes without figures, and heals after three minutes": (
        "  luki:   jedna tabela C przychodzi bez kursów i po trzech minutach zostaje uzupełniona"
    ),
    "  admin: {}, password {} (in the demo alone, until its next start)": (
        "  admin: {}, hasło {} (tylko w demo, do następnego startu)"
    ),
    "Permission denied": "brak uprawnień",
    "Read-only file system": "system plików jest tylko do odczytu",
    "No space left on device": "brak miejsca na dysku",
    "Not a directory": "to nie jest folder",
    "Is a directory": "to jest folder",
    "is no text in UTF-8": "to nie jest tekst w UTF-8",
    "File exists": "istnieje plik o tej nazwie",
    "No such file or directory": "nie ma takiego pliku ani folderu",
    "Address already in use": "adres jest już zajęty",
}


def said(english: str, *values: object) -> str:
    """The sentence in the operator's language, filled in; one that has no translation stays English."""
    text = english if speaks_english() else POLISH.get(english, english)
    return text.format(*values)


def translated(english: str) -> str:
    """The same for a sentence whose numbers are filled in already."""
    return said(NUMBER.sub("{}", english), *NUMBER.findall(english))


def speaks_english() -> bool:
    """By the first of these variables that is set, as POSIX has it; Charon's own language is Polish."""
    chosen = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return chosen.lower().startswith("en")
