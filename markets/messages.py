"""What a job, a note or a problem says: a code with its parameters, rendered in the language that is on.

It is stored as JSON beside its English text, `{"code": "no_answer", "params": {"place": "/rates"}}`. What was stored
before there were codes, and what a newer release has stored, is shown as its text stands.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias, Union

from django.utils.translation import gettext

from markets import formats
from markets.message_texts import TEXTS

Param: TypeAlias = Union[str, int, date, Sequence[str], "Message"]
Stored: TypeAlias = dict[str, Any]


class Message(str):
    """A sentence: English as a string, which logs and the API have; `code` is its key in TEXTS.

    A string, so that an exception carries it and `str(error)` still is one; what is put together of it by an f-string
    is a string without a code.
    """

    __slots__ = ("code", "params")
    code: str
    params: dict[str, Param]

    def __new__(cls, code: str, /, **params: Param) -> "Message":
        """Raises KeyError for an unknown code and for a parameter that its text names and that is not given."""
        made = super().__new__(cls, in_english(TEXTS[code].english, params))
        made.code, made.params = code, params
        return made

    def __str__(self) -> str:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return made, (self.code, self.params)

    @staticmethod
    def of(text: str) -> "Message":
        """The same message; of a string one that says just this, as a source or a library said it."""
        return text if isinstance(text, Message) else Message("words", words=text)


def made(code: str, params: Mapping[str, Param]) -> Message:
    return Message(code, **params)


def of_error(error: BaseException) -> Message:
    """What an exception says; of a fault of the program also its class."""
    text = getattr(error, "said", None) or str(error)
    if isinstance(text, Message) or hasattr(error, "reason"):
        return Message.of(text)
    kind = type(error).__name__
    return Message("exception", kind=kind, words=text) if text else Message("exception_bare", kind=kind)


def in_english(template: str, params: Mapping[str, Param]) -> str:
    """Days and moments in ISO 8601, unless the template has a form of its own."""
    return template.format_map({name: plain(value, f"{{{name}}}" in template) for name, value in params.items()})


def plain(value: Param, is_bare: bool) -> object:
    if isinstance(value, datetime):
        return value.isoformat() if is_bare else value
    return value if isinstance(value, str | int | date) else joined(value)


def joined(parts: Sequence[str]) -> str:
    """Words behind commas, sentences behind semicolons."""
    return ("; " if any(isinstance(part, Message) for part in parts) else ", ").join(parts)


def render(text: str) -> str:
    """A message in the language that is on; any other text as it stands."""
    if not isinstance(text, Message):
        return text
    known, params = TEXTS[text.code], {name: local(value) for name, value in text.params.items()}
    return gettext(known.polish) % params if known.polish else known.english.format_map(params)


def local(value: Param) -> str:
    if isinstance(value, str):
        return render(value)
    if isinstance(value, datetime):
        return formats.moment(value)
    if isinstance(value, date):
        return formats.day(value)
    return formats.whole(value) if isinstance(value, int) else joined_local(value)


def joined_local(parts: Sequence[str]) -> str:
    return ("; " if any(isinstance(part, Message) for part in parts) else ", ").join(map(render, parts))


def shown(text: str, stored: object) -> str:
    """What a page shows of a text column and of the message beside it."""
    return render(decoded(stored) or text)


def shown_all(texts: Sequence[str], stored: object) -> list[str]:
    """The same of the notes of a job; their messages stand in the same order."""
    return [shown(text, one) for text, one in zip(texts, beside(texts, stored), strict=True)]


def beside(texts: Sequence[str], stored: object) -> list[object]:
    """For each text its stored message: None for those of an older release."""
    found = list(stored) if isinstance(stored, list) else []
    return [None] * (len(texts) - len(found)) + found[: len(texts)]


def encoded(message: Message) -> Stored:
    return {"code": message.code, "params": {name: encoded_param(value) for name, value in message.params.items()}}


def encoded_param(value: Param) -> object:
    if isinstance(value, Message):
        return encoded(value)
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    return value if isinstance(value, str | int) else [encoded_param(part) for part in value]


def decoded(stored: object) -> Message | None:
    """The message; None for what is none, or none that this release knows."""
    try:
        return made(stored["code"], {name: decoded_param(value) for name, value in stored["params"].items()})  # type: ignore[index]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return None


def decoded_param(value: Any) -> Param:
    if isinstance(value, list):
        return [str(decoded_param(part)) for part in value]
    if not isinstance(value, dict):
        return value if isinstance(value, int) else str(value)
    if "moment" in value:
        return datetime.fromisoformat(value["moment"])
    return date.fromisoformat(value["day"]) if "day" in value else made_of(value)


def made_of(stored: Stored) -> Message:
    return made(stored["code"], {name: decoded_param(value) for name, value in stored["params"].items()})


def changed(message: Message, change: Callable[[str], str]) -> Message:
    """The same message with each text in it changed, such as a key taken out of it."""
    return made(message.code, {name: changed_param(value, change) for name, value in message.params.items()})


def changed_param(value: Param, change: Callable[[str], str]) -> Param:
    if isinstance(value, Message):
        return changed(value, change)
    if isinstance(value, str):
        return change(value)
    return value if isinstance(value, int | date) else [str(changed_param(part, change)) for part in value]


def texts(messages: Iterable[Message]) -> list[str]:
    """Plain strings, as a column of JSON takes them."""
    return ["".join(message) for message in messages]
