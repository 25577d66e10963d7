"""The errors of providers: one class for each way to handle a failure.

An empty answer is not an error: the provider returns an empty list. What they say is a `markets.messages.Message`, or
the provider's own words as a string.
"""

from markets.messages import Message


class ProviderError(Exception):
    """The base of all errors here; `reason` is stored in the Job row (`Job.Reason`)."""

    reason = "error"


class Unreachable(ProviderError):
    """The network or the server failed (no connection, 408, 429, 5xx): retry, then leave it to the next run.

    `nobody`: no connection was made at all (no network, unknown host, closed port).
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
    """The server understood and refused (any other 4xx, a redirect): our request or key is wrong, so never retried.

    `retry_after`: the seconds that a ban lasts, if the server says so; the next request waits that long. `reason`: a
    more exact reason than that of the class, such as `no_key` for a key that was refused.
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
    """The provider does not list this ticker (any more): a warning about one instrument, no failure of the source."""


class NoKey(Refused):
    """No request was sent: the source requires an API key and none is configured."""

    reason = "no_key"


class NoPlan(Refused):
    """The key is valid, but its plan does not include this request."""

    reason = "no_plan"


class Blocked(Refused):
    """The provider does not serve this country (HTTP 451)."""

    reason = "blocked"


class Unreadable(ProviderError):
    """A successful status with content that cannot be parsed. Nothing of it is stored."""

    reason = "unreadable"


class FiguresRefused(ProviderError):
    """Of what was offered, so much may not in that the run is no success."""

    reason = "figures_refused"


class ExpectedData(ProviderError):
    """A well-formed "nothing published" for days on which a table must exist."""

    reason = "expected_data"


class Misconfigured(ProviderError):
    """No request was sent: a variable of the environment that says how to connect cannot be understood.

    `variable`: its name. Its value stands nowhere, for an address of a proxy may hold a password.
    """

    reason = "environment"

    def __init__(self, variable: str, fault: str) -> None:
        super().__init__(Message("about", about=variable, reason=fault))
        self.variable = variable
        self.fault = fault
        self.cause = f"environment: {variable}"
