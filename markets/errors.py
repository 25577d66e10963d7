"""Questions that have no answer, in words for whoever asked; the API puts them into its envelope."""

from typing import Any, ClassVar


class QuestionError(Exception):
    """A well-typed question that means nothing."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"

    def __init__(self, message: str, detail: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class UnknownCodeError(QuestionError):
    status = 404
    code = "unknown_code"


class NotPublicError(QuestionError):
    """The source's licence does not let us show its figures."""

    status = 403
    code = "not_public"


class ForbiddenError(QuestionError):
    """We know who asks, and they may not."""

    status = 403
    code = "forbidden"


class ConflictError(QuestionError):
    """It is so already."""

    status = 409
    code = "conflict"
