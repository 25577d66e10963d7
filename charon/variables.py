"""How variables of the environment are read: as people write them, and by the other names that documents have."""

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from dotenv import load_dotenv
from environs import ValidationError

from charon.startup_messages import said, translated

T = TypeVar("T")

# Other names, and the variable that each stands for; "" for what has no use here (docs/configuration.md says why).
ALIASES = {
    "TIMEOUT": "DERIBIT_TIMEOUT",
    "BASE_URL": "DERIBIT_BASE_URL",
    "BROKER_URL": "",
    "RESULT_BACKEND": "",
}
# A folder and a password may hold any character, also quotes and spaces at their ends.
AS_WRITTEN = frozenset({"DATA_DIR", "HISTORY_DIR", "DB_PASSWORD"})
QUOTES = ('"', "'")
YES, NO = frozenset({"1", "true", "t", "yes", "y", "on"}), frozenset({"0", "false", "f", "no", "n", "off"})


# Columns of the database hold it, and so many seconds or minutes from now are still a date.
LARGEST = 10**9


class NotUnderstood(ValueError):
    """Names the variable, and never quotes its value, which may be a secret."""

    def __init__(self, name: str, fault: str) -> None:
        super().__init__(f"{name}: {fault}")


class TooLargeError(ValueError):
    """A number that nothing could be counted with."""


@dataclass(frozen=True)
class Reader(Generic[T]):
    """Reads variables of one type; `fault` is what is said of a value that is not of it."""

    convert: Callable[[str], T]
    fault: str = ""
    empty_is_default: bool = True

    def __call__(self, name: str, default: T, *, validate: Callable[[T], Any] | None = None) -> T:
        text = text_of(name)
        if text is None or (not text and self.empty_is_default):
            return default
        try:
            value = self.convert(text)
        except TooLargeError:
            raise NotUnderstood(name, said("is too large")) from None
        except ValueError:
            raise NotUnderstood(name, said(self.fault)) from None
        try:
            if validate:
                validate(value)
        except ValidationError as error:
            raise NotUnderstood(name, translated(str(error.messages[0]))) from None
        return value


def text_of(name: str) -> str | None:
    """What the variable says, or the first of its other names; None when none is set."""
    names = [name, *(other for other, meant in ALIASES.items() if meant == name)]
    found = [os.environ[one] for one in names if one in os.environ]
    text = next(filter(None, found), "") if found else None
    return text if text is None or name in AS_WRITTEN else bare(text)


def bare(text: str) -> str:
    """Without the spaces and the quotes around it: what an env_file of Docker, unlike a shell, leaves there."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in QUOTES:
        return text[1:-1].strip()
    return text


def whole(text: str) -> int:
    """`60.0` is 60 as well."""
    if not re.fullmatch(r"[+-]?[0-9]+(\.0*)?", text):
        raise ValueError
    digits = text.partition(".")[0]
    if len(digits.lstrip("+-0")) > len(str(LARGEST)) or abs(int(digits)) > LARGEST:
        raise TooLargeError
    return int(digits)


def number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def truth(text: str) -> bool:
    if text.lower() not in YES | NO:
        raise ValueError
    return text.lower() in YES


def words(text: str) -> list[str]:
    return [word for word in map(bare, text.split(",")) if word]


class Environment:
    """`env.int("PORT", 8000)`: one reader a type."""

    str = Reader(str, empty_is_default=False)
    int = Reader(whole, "is not a whole number")
    float = Reader(number, "is not a number")
    bool = Reader(truth, "is neither yes nor no")
    list = Reader(words, empty_is_default=False)


env = Environment()


def choice(name: str, default: str, *choices: str) -> str:
    """One of the words, in small or capital letters."""
    text = env.str(name, "") or default
    found = [word for word in choices if word.lower() == text.lower()]
    if not found:
        raise NotUnderstood(name, said("must be one of {}", ", ".join(choices)))
    return found[0]


def http_url(name: str, default: str) -> str:
    """An absolute http(s) URL that ends in a slash, so that paths can be put behind it; never quoted (passwords)."""
    value = (env.str(name, "") or default).rstrip("/") + "/"
    try:
        parts = urlsplit(value)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    # A path behind a query or a fragment would be a part of it.
    is_url = is_url and not re.search(r"[\s?#]", value)
    if not is_url:
        raise NotUnderstood(name, said("is not an http(s) URL"))
    return value


def load(file: Path) -> None:
    """Lines of `.env` become variables; the environment wins. /dev/null and a missing default file say nothing.

    environs keeps what it reads to itself since its version 15; prometheus_client and others read the environment.
    """
    try:
        if not file.exists() and not os.environ.get("ENV_FILE"):
            return
        load_dotenv(stream=StringIO(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise NotUnderstood("ENV_FILE", said(str(error.strerror))) from None
    except UnicodeDecodeError:
        raise NotUnderstood("ENV_FILE", said("is no text in UTF-8")) from None


def made_folder(name: str) -> None:
    """The folder is there from now on and can be written into, if one is named.

    prometheus_client reads the variable itself: an empty one would be the folder that the command was called from, and
    quotes a part of the name.
    """
    folder = env.str(name, "")
    if not folder:
        os.environ.pop(name, None)
        return
    os.environ[name] = folder
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise NotUnderstood(name, said(str(error.strerror))) from None


def without_use() -> list[str]:
    """The variables that are set and that nothing here reads."""
    return [name for name, meant in ALIASES.items() if not meant and os.environ.get(name)]
