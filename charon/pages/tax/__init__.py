"""The pages of the rate for tax: one question, a list of them, and an invoice. The rules are `markets.queries.tax`."""

from charon.pages.tax.ask import ask_row

__all__ = ["ask_row"]
