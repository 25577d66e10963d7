"""What the one server asks of each service that it plays."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from inspect import signature
from typing import Any, ClassVar, get_type_hints

import msgspec

from tests.replica.answer import Answer
from tests.replica.wire import Request


class Service(ABC):
    """`base` is the path that a client's base URL ends with."""

    name: ClassVar[str]
    base: ClassVar[str]
    # Methods that a script may call by their name.
    told: ClassVar[Sequence[str]] = ()
    # Answers of the service's own that a script may ask for.
    faults: ClassVar[Mapping[str, Callable[[datetime], Answer]]] = {}

    @abstractmethod
    def answer(self, request: Request, now: datetime) -> Answer:
        """The right answer to a request at that moment."""

    def step(self, name: str, given: Sequence[Any]) -> Callable[[], None]:
        """A call of one of `told`, its arguments converted to what the method wants; nothing happens yet."""
        if name not in self.told:
            raise msgspec.ValidationError(f"{self.name} cannot be told {name!r}; it knows {', '.join(self.told)}")
        method = getattr(self, name)
        hints = get_type_hints(method)
        wanted = list(signature(method).parameters)
        if len(given) != len(wanted):
            raise msgspec.ValidationError(f"{name} takes {', '.join(wanted)}")
        arguments = [msgspec.convert(value, hints[key]) for value, key in zip(given, wanted, strict=True)]
        return lambda: method(*arguments)
