"""What can go wrong with a provider; each class says what Charon does about it. Emptiness is not an error."""


class ProviderError(Exception):
    """The base of them all; `reason` is what the journal writes into the job."""

    reason = "error"


class Unreachable(ProviderError):
    """The road or the other side's trouble (no connection, 408, 429, 5xx): try again, then leave it to the next run.

    `nobody`: there was nobody to ask at all (no network, no such host, the port is closed).
    """

    reason = "unreachable"

    def __init__(
        self, message: str, retry_after: float | None = None, status: int = 0, body: str = "", nobody: bool = False
    ) -> None:
        super().__init__(message)
        self.nobody = nobody
        self.retry_after = retry_after
        self.status = status
        self.body = body


class Refused(ProviderError):
    """They understood and said no (any other 4xx, a redirect): our mistake or a key. Never tried again by itself.

    `retry_after`: how long a ban lasts, where they say so; whoever asks next waits that long. `reason`: where it is
    known better than by the class, such as `no_key` for a key that was refused.
    """

    reason = "refused"

    def __init__(
        self, message: str, status: int = 0, body: str = "", retry_after: float | None = None, reason: str = ""
    ) -> None:
        super().__init__(message)
        self.reason = reason or self.reason
        self.status = status
        self.body = body
        self.retry_after = retry_after


class UnknownTicker(Refused):
    """They do not list that ticker (any more): a warning about one instrument, not a breakage of the source."""


class NoKey(Refused):
    """Nothing was asked, because the source wants a key and there is none."""

    reason = "no_key"


class NoPlan(Refused):
    """The key is right and its plan does not cover this."""

    reason = "no_plan"


class Blocked(Refused):
    """Not for people in this country (451)."""

    reason = "blocked"


class Unreadable(ProviderError):
    """A good status and wrong content. Nothing of it is stored."""

    reason = "unreadable"


class ExpectedData(ProviderError):
    """A well-formed "nothing published" for days on which something must have been."""

    reason = "expected_data"
