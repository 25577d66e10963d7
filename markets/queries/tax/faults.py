"""Why there is no tax rate: each refusal has a code of its own, and the detail says what would help."""

from typing import Any

from markets.errors import QuestionError


class TaxError(QuestionError):
    """422: the question is well formed and the law, or what was published, has no answer to it."""

    status = 422

    def __init__(self, message: str, detail: Any = None) -> None:
        super().__init__(message, detail)


class UnknownRuleError(TaxError):
    code = "unknown_rule"


class MissingInputError(TaxError):
    code = "missing_input"


class RuleNotInForceError(TaxError):
    code = "rule_not_in_force"


class NotQuotedError(TaxError):
    """Nobody of whom the rule speaks quotes the currency; `detail.hint` names `uor-reference`."""

    code = "not_quoted"


class CurrencyLeftTableError(TaxError):
    """`detail`: last_table, last_date, successor."""

    code = "currency_left_table"


class NoRateBeforeError(TaxError):
    """`detail`: first_table, first_date."""

    code = "no_rate_before"


class ContradictionError(QuestionError):
    """400: dates or amounts that cannot all be true; `detail.fields` names them."""

    code = "contradiction"


class StaleError(QuestionError):
    """503: a table that should be here is missing, so an older one may not be the answer."""

    status = 503
    code = "stale"


class NotYetPublishedError(TaxError):
    """The table that the rule means is still to come; `detail.since`: from which day on it can be."""

    code = "not_yet_published"


class NotKnownThenError(TaxError):
    """At the moment of `as_of` that table was not here; `detail.as_of`."""

    code = "not_known_then"
