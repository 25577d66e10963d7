"""The days of the law: months and their edges, and which day of a question a rule goes by. All of it is date
arithmetic.
"""

import datetime as dt

from markets import clock
from markets.queries.tax.faults import MissingInputError
from markets.queries.tax.rule import Question

ONE_DAY, ONE_WEEK = dt.timedelta(days=1), dt.timedelta(weeks=1)
WEDNESDAY = 2


def month_of(day: dt.date) -> dt.date:
    """The first day of its month."""
    return day.replace(day=1)


def month_before(day: dt.date) -> dt.date:
    """The first day of the month before its own."""
    return month_of(month_of(day) - ONE_DAY)


def last_day(month: dt.date) -> dt.date:
    """The last day of the month in which a day lies; that of December 9999 too."""
    return month.replace(day=31) if month.month == 12 else month.replace(month=month.month + 1, day=1) - ONE_DAY


def penultimate_day(month: dt.date) -> dt.date:
    return last_day(month) - ONE_DAY


def penultimate_wednesday(month: dt.date) -> dt.date:
    last = last_day(month)
    return last - dt.timedelta(days=(last.weekday() - WEDNESDAY) % 7) - ONE_WEEK


def new_year(asked: Question) -> dt.date:
    """1 January of the year that is asked about."""
    return dt.date(year_of(asked), 1, 1)


def october_before(asked: Question) -> dt.date:
    """1 October of the year before the one that is asked about; its first working day is the first published table."""
    return dt.date(year_of(asked) - 1, 10, 1)


def year_of(asked: Question) -> int:
    if asked.year is None:
        raise MissingInputError("The question names no year.", {"missing": ["year"]})
    return asked.year


def day_of(asked: Question, *names: str) -> dt.date:
    """The first of the named days that the question has. Raises MissingInputError where it has none of them."""
    days: list[dt.date] = [day for name in names if (day := getattr(asked, name)) is not None]
    if not days:
        raise MissingInputError(f"The question names no {' or '.join(names)}.", {"missing": list(names)})
    return days[0]


def the_date(asked: Question) -> dt.date:
    return day_of(asked, "date")


def tax_point(asked: Question) -> dt.date:
    """The day on which the tax becomes due; where the question has one day alone, it is that one."""
    return day_of(asked, "tax_point", "date")


def is_early(asked: Question) -> bool:
    """Whether the invoice was issued before the tax point, which VAT art. 31a(2) is about."""
    return asked.invoice_date is not None and asked.invoice_date < tax_point(asked)


def vat_day(asked: Question) -> dt.date:
    """The day before which VAT looks for a rate: the tax point, or the invoice that came before it."""
    return min(tax_point(asked), asked.invoice_date or dt.date.max)


def original_vat_day(asked: Question) -> dt.date:
    """The same of the invoice that is corrected."""
    return min(day_of(asked, "original_tax_point"), asked.original_invoice_date or dt.date.max)


def correction_day(asked: Question) -> dt.date:
    """The day on which the correction is issued; today where the question does not say."""
    return asked.date or asked.invoice_date or clock.today()
