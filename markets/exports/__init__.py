"""What a list can be written as beside JSON. A format is one file, and one line here."""

from markets.exports.columnar import ARROW, PARQUET
from markets.exports.format import Format
from markets.exports.ndjson import NDJSON
from markets.exports.price_lines import BEANCOUNT, GNUCASH, LEDGER
from markets.exports.separated import CSV, EXCEL_PL, SHEETS_PL
from markets.exports.workbook import XLSX

# The first of those that share a media type is what `Accept` means.
FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        CSV,
        NDJSON,
        EXCEL_PL,
        SHEETS_PL,
        XLSX,
        PARQUET,
        ARROW,
        BEANCOUNT,
        LEDGER,
        GNUCASH,
    )
}
