"""The inputs of a question by name: of which type they are and what they mean where a rule says nothing narrower."""

from markets.queries.tax.rule import Rule

INPUTS: dict[str, tuple[str, str]] = {
    "code": ("string", "ISO 4217 code of the currency."),
    "date": ("date", "Day of the event."),
    "amount": ("decimal", "Amount in the currency; without it the answer is the rate alone."),
    "tax_point": ("date", "Day on which VAT becomes due; taken from `date` where that is given alone."),
    "invoice_date": ("date", "Day on which the invoice was issued (P_1)."),
    "payment_date": ("date", "Day of payment."),
    "original_tax_point": ("date", "Tax point of the invoice that is corrected."),
    "original_invoice_date": ("date", "Day on which the corrected invoice was issued (its P_1)."),
    "year": ("integer", "Year for which the amount holds."),
    "period_end": ("date", "Last day of the period; taken from `date` where that is given alone."),
    "actual_rate": ("decimal", "Rate of the caller, in PLN for one unit."),
    "reference": ("string", "ISO 4217 code of a reference currency that the NBP quotes."),
    "cross_rate": ("decimal", "What one unit of the currency costs in the reference currency."),
    "choice": ("string", "Whose rates the taxpayer has chosen: nbp or ecb."),
    "order": ("string", "What is rounded first: tax-first or net-first."),
    "as_of": ("datetime", "The answer as it was known at this moment."),
}
ALWAYS = ("code", "amount", "order", "as_of")  # of every question, whatever the rule
STAND_INS = {"tax_point": "date", "period_end": "date"}


def alternatives(need: str) -> tuple[str, ...]:
    """The inputs any of which satisfies a need: "a|b" is two, and "tax_point" may come as `date`."""
    names = need.split("|")
    return (*names, *(STAND_INS[name] for name in names if name in STAND_INS))


def used(rule: Rule) -> set[str]:
    """The names of all inputs that mean something to a rule."""
    return {"rule", *ALWAYS, *rule.takes, *(name for need in rule.needs for name in alternatives(need))}


def meaning(rule: Rule, name: str) -> str:
    return rule.inputs.get(name) or INPUTS[name][1]
