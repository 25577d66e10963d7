"""What the bank has published: the tables of the data, less those held back, some figures changed afterwards."""

from dataclasses import replace
from datetime import date

from tests.replica import data
from tests.replica.tables import Letter, Table


class Bank:
    def __init__(self) -> None:
        self._withheld: set[tuple[Letter, date]] = set()
        self._corrected: dict[tuple[Letter, date], Table] = {}

    def withhold(self, letter: Letter, day: date) -> None:
        self._withheld.add((letter, day))

    def publish(self, letter: Letter, day: date) -> None:
        self._withheld.discard((letter, day))

    def correct(self, letter: Letter, day: date, code: str, figure: str) -> None:
        table = self._corrected.get((letter, day)) or data.tables(letter, day.year)[day]
        if code not in table.rates:
            raise KeyError(f"no {code} in table {letter} of {day}")
        figures = {**table.rates, code: tuple(figure.split("/"))}
        self._corrected[letter, day] = replace(table, rates=figures)

    def between(self, letter: Letter, start: date, end: date) -> list[Table]:
        years = range(max(start.year, data.FIRST_YEAR), min(end.year, data.last_day().year) + 1)
        return [
            self._corrected.get((letter, day), table)
            for year in years
            for day, table in data.tables(letter, year).items()
            if start <= day <= end and (letter, day) not in self._withheld
        ]

    def latest(self, letter: Letter, n: int, today: date) -> list[Table]:
        found: list[Table] = []
        for year in range(min(today.year, data.last_day().year), data.FIRST_YEAR - 1, -1):
            found = self.between(letter, date(year, 1, 1), min(today, date(year, 12, 31))) + found
            if len(found) >= n:
                break
        return found[-n:]
