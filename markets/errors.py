"""The errors of a query that has no answer, with a message for the client; the API adds its envelope."""

from typing import Any, ClassVar


class QuestionError(Exception):
    """A well-typed query that makes no sense, such as a range that ends before it begins."""

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
    """The source's licence does not let us show its data."""

    status = 403
    code = "not_public"


class ForbiddenError(QuestionError):
    """The caller is known and lacks the permission."""

    status = 403
    code = "forbidden"


class ConflictError(QuestionError):
    """The requested state exists already."""

    status = 409
    code = "conflict"
