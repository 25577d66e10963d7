"""What a channel is: it takes a message to its receiver, once, or raises why it did not.

A channel is one file in this folder, one test and one line in the registry.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise  # stands in the stubs alone

# Of one channel by the names of its fields.
Config = Mapping[str, str]
# One try may take so long, the name's look-up and a slow answer included.
SECONDS = 15.0


class Message(NamedTuple):
    """What is told; equal in every try. `key` is the idempotency key, a UUID; `incident` is the same for an alert and
    its end, so that a channel that can puts the one in the place of the other. `data` is JSON."""

    key: str
    type: str
    title: str
    text: str
    incident: str
    at: datetime
    critical: bool = False
    link: str = ""
    data: Mapping[str, Any] = {}


class Field(NamedTuple):
    """A field of a channel's form; a secret one is written and never read back. `choices`: value and title of each;
    any value where there are none. `place`: it says where messages go, so that another one asks for the secrets anew:
    a stored password must not follow to a host that somebody else has chosen."""

    name: str
    title: "_StrPromise"
    secret: bool = False
    required: bool = True
    help: "_StrPromise | str" = ""
    choices: tuple[tuple[str, "_StrPromise | str"], ...] = ()
    place: bool = False


class Failed(Exception):
    """A message was not taken. `status`: of HTTP, 0 for none; `gone`: the receiver wants no more (410); `final`: trying
    again is of no use. The text holds no address and no key."""

    def __init__(
        self,
        text: str,
        status: int = 0,
        retry_after: timedelta | None = None,
        *,
        gone: bool = False,
        final: bool = False,
    ) -> None:
        super().__init__(text)
        self.status, self.retry_after, self.gone, self.final = status, retry_after, gone, final


def missing(fields: tuple[Field, ...], config: Config) -> dict[str, str]:
    """The required fields that are empty, in words."""
    return {
        field.name: _("To pole jest wymagane") for field in fields if field.required and not value(config, field.name)
    }


def value(config: Config, name: str) -> str:
    return config.get(name, "").strip()


def misconfigured() -> Failed:
    """For a configuration that `check` refuses: no try can succeed until an operator changes it."""
    return Failed(_("Ustawienia kanału są błędne"), final=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of channel. `check` answers what is wrong by field, in words; `target` what may be shown of a
    configuration; `send` the HTTP status (0 for none) or raises Failed. `updates`: an end replaces its alert."""

    name: str
    title: "_StrPromise | str"
    fields: tuple[Field, ...]
    check: Callable[[Config], dict[str, str]]
    target: Callable[[Config], str]
    send: Callable[[Config, Message], int]
    updates: bool = False
