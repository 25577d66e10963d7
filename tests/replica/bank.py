"""What the bank has published: the tables of the data, less those held back, some figures changed afterwards."""

from dataclasses import replace
from datetime import date

from tests.replica import data, onward
from tests.replica.tables import Letter, Table


class Bank:
    """`goes_on`: after the last real table made-up ones follow."""

    def __init__(self, goes_on: bool = False) -> None:
        self._goes_on = goes_on
        self._withheld: set[tuple[Letter, date]] = set()
        self._empty: set[tuple[Letter, date]] = set()
        self._corrected: dict[tuple[Letter, date], Table] = {}

    def withhold(self, letter: Letter, day: date) -> None:
        self._withheld.add((letter, day))

    def publish(self, letter: Letter, day: date) -> None:
        self._withheld.discard((letter, day))

    def empty(self, letter: Letter, day: date) -> None:
        """That table, if there is one, has no line in it until it is mended."""
        self._empty.add((letter, day))

    def mend(self, letter: Letter, day: date) -> None:
        self._empty.discard((letter, day))

    def correct(self, letter: Letter, day: date, code: str, figure: str) -> None:
        table = self._corrected.get((letter, day)) or self.tables(letter, day.year)[day]
        if code not in table.rates:
            raise KeyError(f"no {code} in table {letter} of {day}")
        figures = {**table.rates, code: tuple(figure.split("/"))}
        self._corrected[letter, day] = replace(table, rates=figures)

    def tables(self, letter: Letter, year: int) -> dict[date, Table]:
        return onward.tables(letter, year) if self._goes_on else data.tables(letter, year)

    def last_year(self, today: date) -> int:
        return today.year if self._goes_on else min(today.year, data.last_day().year)

    def between(self, letter: Letter, start: date, end: date) -> list[Table]:
        years = range(max(start.year, data.FIRST_YEAR), self.last_year(end) + 1)
        return [
            self.as_sent(letter, day, table)
            for year in years
            for day, table in self.tables(letter, year).items()
            if start <= day <= end and (letter, day) not in self._withheld
        ]

    def as_sent(self, letter: Letter, day: date, table: Table) -> Table:
        table = self._corrected.get((letter, day), table)
        return replace(table, rates={}) if (letter, day) in self._empty else table

    def latest(self, letter: Letter, n: int, today: date) -> list[Table]:
        found: list[Table] = []
        for year in range(self.last_year(today), data.FIRST_YEAR - 1, -1):
            found = self.between(letter, date(year, 1, 1), min(today, date(year, 12, 31))) + found
            if len(found) >= n:
                break
        return found[-n:]
