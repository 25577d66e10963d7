"""The errors of a query that has no answer, with a message for the client, and which errors are the storage's."""

import errno
from typing import Any, ClassVar

from django.db import DataError, Error, IntegrityError, NotSupportedError, ProgrammingError

FULL_OR_BROKEN = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG, errno.EMFILE, errno.ENFILE}
# PostgreSQL's codes for tables and schemas that are not there: a database that has not been prepared.
NOT_PREPARED = {"42P01", "3F000"}


def is_storage_fault(error: BaseException) -> bool:
    """Whether the database or the disk is at fault and not the program: away, locked, full, read-only, broken."""
    if isinstance(error, ProgrammingError):
        return getattr(error.__cause__, "sqlstate", None) in NOT_PREPARED
    if isinstance(error, Error):
        return not isinstance(error, IntegrityError | DataError | NotSupportedError)
    return isinstance(error, OSError) and error.errno in FULL_OR_BROKEN


def log_cause(error: BaseException) -> dict[str, str]:
    """`extra` of a line in the log: an error that fails every task alike is written once and then counted.

    `cause` of an error names what is behind it; a storage that fails is one cause whatever was being done.
    """
    away = f"storage: {type(error).__name__}" if is_storage_fault(error) else ""
    return {"cause": getattr(error, "cause", away)}


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
