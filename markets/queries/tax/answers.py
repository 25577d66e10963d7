"""The answer to a question of tax: which published rate the rule means, and what proves it."""

from collections.abc import Sequence
from typing import Any

from markets.errors import QuestionError
from markets.licence import Audience
from markets.queries.tax.rule import Question


def answer(asked: Question, audience: Audience = Audience.API) -> dict[str, Any]:
    """One answer, ready for JSON. Raises QuestionError: the refusals of `faults`, unknown_code, not_public."""
    (found,) = answer_all([asked], audience)
    if isinstance(found, QuestionError):
        raise found
    return found


def answer_all(asked: Sequence[Question], audience: Audience = Audience.API) -> list[dict[str, Any] | QuestionError]:
    """The answers in the order of the questions, a refusal in its place; as many statements as for one question."""
    raise NotImplementedError
