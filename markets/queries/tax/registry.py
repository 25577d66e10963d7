"""All rules of the tax rate, by id; a new one is its file and one line here."""

from markets.queries.tax.rule import Rule

RULES: dict[str, Rule] = {}
