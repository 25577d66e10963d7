"""Prices for plain-text accounting: Beancount, Ledger (hledger reads the same), and the price import of GnuCash.

Each line has its source and the number of its table, as far as there is one.
"""

from collections.abc import Callable, Iterator, Sequence

from markets.errors import QuestionError
from markets.exports.format import Chunks, Column, Dialect, Format, Row

# A list of rates or of gold has one of each.
NEEDED = (("effective_date",), ("mid", "price"))
GNUCASH_NAMES = "Date,From Namespace,From Symbol,Currency To,Amount,Source,Table\n"


def has_prices(columns: Sequence[Column]) -> None:
    """QuestionError for a list of something else."""
    names = {column.name for column in columns}
    if missing := [" or ".join(group) for group in NEEDED if names.isdisjoint(group)]:
        message = "This format is for lists of official rates and of gold: here is no " + ", no ".join(missing)
        raise QuestionError(message, {"see": ["/api/v1/rates", "/api/v1/gold"]})


def commodity(row: Row) -> str:
    """`USD`; gold is counted in grams and not in the troy ounces of XAU: `XAU-G`."""
    unit = str(row.get("unit", 1))
    base = str(row.get("base") or "XAU")
    return base if unit == "1" else f"{base}-{unit.upper()}"


def quoted(row: Row) -> str:
    return str(row.get("quote") or "PLN")


def price_of(row: Row) -> str | None:
    value = row.get("mid") or row.get("price")
    return None if value is None else str(value)


def told(row: Row) -> str:
    """Who published it, and in which table."""
    return " ".join(str(row[name]) for name in ("source", "table_no") if row.get(name))


def without_price(row: Row) -> str:
    """A line that is read by nobody but people: table C has no mid."""
    return f"; {row['effective_date']} {commodity(row)}: no mid ({told(row)})\n"


def beancount_line(row: Row) -> str:
    line = f"{row['effective_date']} price {commodity(row)} {price_of(row)} {quoted(row)}\n"
    proofs = (f'  {name}: "{row[name]}"\n' for name in ("source", "table_no") if row.get(name))
    return line + "".join(proofs)


def ledger_line(row: Row) -> str:
    """A symbol with a dash stands in quotes."""
    name = commodity(row)
    symbol = name if name.isalpha() else f'"{name}"'
    return f"; {told(row)}\nP {row['effective_date']} {symbol} {price_of(row)} {quoted(row)}\n"


def gnucash_line(row: Row) -> str:
    space = "CURRENCY" if str(row.get("unit", 1)) == "1" else "COMMODITY"
    cells = (row["effective_date"], space, commodity(row), quoted(row), price_of(row), row["source"])
    return ",".join(map(str, cells)) + f",{row.get('table_no') or ''}\n"


def lines(line: Callable[[Row], str], head: str = "") -> Callable[..., Iterator[bytes]]:
    otherwise = without_price if not head else lambda _row: ""

    def write(columns: Sequence[Column], chunks: Chunks, dialect: Dialect) -> Iterator[bytes]:  # noqa: ARG001
        yield head.encode()
        for rows in chunks:
            yield "".join(line(row) if price_of(row) else otherwise(row) for row in rows).encode()

    return write


PLAIN, CSV = "text/plain; charset=utf-8", "text/csv; charset=utf-8"
BEANCOUNT = Format("beancount", "beancount", PLAIN, lines(beancount_line), check=has_prices)
LEDGER = Format("ledger", "ledger", PLAIN, lines(ledger_line), check=has_prices)
GNUCASH = Format("gnucash", "csv", CSV, lines(gnucash_line, GNUCASH_NAMES), check=has_prices)
