"""Closed years at the addresses that their files have: what a proxy does not find, and everything without a proxy."""

import re
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import register_converter
from django.urls.converters import StringConverter
from django.utils.cache import get_conditional_response, patch_vary_headers
from ninja import Field, Path, Router, Schema

from markets.api.exports import media_type
from markets.api.responses import private
from markets.api.schemas import COMMON_ERRORS, SERIES_ERRORS, Code
from markets.errors import QuestionError
from markets.exports.separated import CSV
from markets.history_files import content, index, place
from markets.instruments.find import find
from markets.instruments.names import GOLD
from markets.licence import Audience, audience
from markets.models import Instrument
from markets.queries.rates import official

router = Router(tags=["rates"])

JSON = "application/json; charset=utf-8"
TYPES = {"json": JSON, "csv": CSV.media_type}
# Only the name with the hash means the same bytes for ever.
CHANGING, UNCHANGING = "no-cache", "public, max-age=31536000, immutable"
PACKED = (("br", ".br"), ("gzip", ".gz"))
REFUSED = re.compile(r";\s*q=0(?:\.0*)?\s*$")
PARQUET = "application/vnd.apache.parquet"


class YearOfFile(StringConverter):
    """`2019`, or `2019.0a1b2c3d4e5f`: any other name is none of a file, and no address of the API."""

    regex = r"[0-9]{4}(?:\.[0-9a-f]{12})?"


register_converter(YearOfFile, "year_of_file")


class NotClosedError(QuestionError):
    """There is no such file; `detail` says where the figures are."""

    status = 404
    code = "no_file"


class YearPath(Schema):
    code: Code = Field(description="The instrument; XAU is gold.", json_schema_extra={"example": "USD"})
    year: str = Field(
        description="A year that ended thirty days ago; behind it the hash that the index names: then the answer never "
        "changes, and is 404 once another one has taken its place.",
        pattern=rf"^{YearOfFile.regex}$",
        json_schema_extra={"example": "2019"},
    )


class YearOfFigures(Schema):
    code: str = Field(description="The instrument.", examples=["EUR"])
    base: str = Field(description="What is priced.", examples=["EUR"])
    quote: str = Field(description="What it is priced in.", examples=["PLN"])
    unit: int | str = Field(description="Units of the base that a figure is for: 1; of gold g, a gram.", examples=[1])
    year: int = Field(description="All days of it.", examples=[2019])
    sources: list[dict[str, str]] = Field(
        description="Code, name, attribution, licence and address of each source of the rows.",
        examples=[[{"code": "nbp", "name": "Narodowy Bank Polski", "attribution": "Źródło: NBP"}]],
    )
    columns: list[str] = Field(
        description="What stands in a row, in this order; of gold price in the place of mid.",
        examples=[["effective_date", "mid", "source", "table", "table_no"]],
    )
    rows: list[list[str | None]] = Field(
        description="One for each day with a figure, ascending, each value as /rates and /gold have it.",
        examples=[[["2019-01-02", "4.3016", "nbp", "A", "001/A/NBP/2019"]]],
    )


class YearsIndex(Schema):
    sources: dict[str, dict[str, str]] = Field(description="The sources by their codes.", examples=[{}])
    parquet: dict[str, Any] | None = Field(
        description="All years in one file: address, rows, bytes and sha256; null where it is not made.",
        examples=[None],
    )
    columns: list[str] = Field(description="What stands in a row, in this order.", examples=[list(index.COLUMNS)])
    rows: list[list[Any]] = Field(
        description="One for each code and year. Where files are kept their addresses have a hash, else the hashes are "
        "null. `revised_at` is when a figure of the year was last corrected.",
        examples=[
            [["EUR", 2019, 251, None, "/api/v1/history/EUR/2019.json", None, "/api/v1/history/EUR/2019.csv", None]]
        ],
    )


@router.get(
    "/history/index.json",
    response={200: YearsIndex, **COMMON_ERRORS},
    operation_id="history_index",
    summary="Closed years",
)
def history_index(request: HttpRequest) -> HttpResponse:
    """Every closed year of every code with an official series, and where its files are (docs/history-files.md)."""
    root = place.kept()
    path = root / place.FOLDER / place.INDEX if root else None
    return kept(request, path, JSON, CHANGING) or sent(request, index.from_tables(), JSON, CHANGING)


@router.get(
    "/history/history.parquet",
    response={200: None, **SERIES_ERRORS},
    operation_id="history_parquet",
    summary="All closed years as Parquet",
    openapi_extra={"responses": {200: {"content": {PARQUET: {"schema": {"type": "string", "format": "binary"}}}}}},
)
def history_parquet(request: HttpRequest) -> HttpResponse:
    """All closed years in one file: a figure is `units` divided by ten to the power of `scale`.

    Only where files are kept (HISTORY_DIR); else 404.
    """
    root = place.kept()
    path = root / place.FOLDER / place.PARQUET if root else None
    if found := kept(request, path, PARQUET, CHANGING):
        return found
    raise NotClosedError("There is no Parquet of all years at the moment", {"see": "/api/v1/history/index.json"})


@router.get(
    "/history/{code}/{year_of_file:year}.json",
    response={200: YearOfFigures, **SERIES_ERRORS},
    operation_id="history_year",
    summary="A closed year",
)
def history_year(request: HttpRequest, asked: Path[YearPath]) -> HttpResponse:
    """The official figures of one year that ended thirty days ago, in short rows; the same as /rates and /gold."""
    return of_year(request, asked, "json")


@router.get(
    "/history/{code}/{year_of_file:year}.csv",
    response={200: None, **SERIES_ERRORS},
    operation_id="history_year_csv",
    summary="A closed year as CSV",
    openapi_extra={"responses": {200: {"content": {media_type(CSV): {"schema": {"type": "string"}}}}}},
)
def history_year_csv(request: HttpRequest, asked: Path[YearPath]) -> HttpResponse:
    """The rows of the JSON of that year under a line of names."""
    return of_year(request, asked, "csv")


def of_year(request: HttpRequest, asked: YearPath, kind: str) -> HttpResponse:
    """The file if it is kept, else the same bytes from the tables."""
    instrument = find(asked.code)
    if instrument is None or instrument.code != GOLD:
        instrument = official(instrument, asked.code)
    year, _, digits = asked.year.partition(".")
    refuse_open(instrument, int(year), kind)
    root, caching = place.kept(), UNCHANGING if digits else CHANGING
    path = place.file_of(root, instrument.code, f"{asked.year}.{kind}") if root else None
    if found := kept(request, path, TYPES[kind], caching):
        return found
    rows = content.of_year(instrument, int(year))
    if not rows:
        raise NotClosedError(f"There is no figure of {instrument.code} in {year}", {"see": places(instrument)})
    data = content.files(instrument, int(year), rows, content.facts())[kind]
    if digits and not sha256(data).hexdigest().startswith(digits):
        see = f"/api/v1/history/{instrument.code}/{year}.{kind}"
        raise NotClosedError("These figures were corrected, or never were", {"see": [see]})
    return sent(request, data, TYPES[kind], caching)


def refuse_open(instrument: Instrument, year: int, kind: str) -> None:
    if not 1 <= year <= place.last_closed():
        message = f"{year} has not ended thirty days ago: the newest closed year is {place.last_closed()}"
        raise NotClosedError(message, {"see": places(instrument, year)})


def places(instrument: Instrument, year: int | None = None) -> list[str]:
    """Where the figures of days are."""
    of = f"&from={year}-01-01&to={year}-12-31" if year else ""
    if instrument.code == GOLD:
        return [f"/api/v1/gold{'?' + of[1:] if of else ''}", "/api/v1/history/index.json"]
    return [f"/api/v1/rates?code={instrument.code}{of}", "/api/v1/history/index.json"]


def kept(request: HttpRequest, path: Any, kind: str, caching: str) -> HttpResponse | None:
    """The file, packed as the client takes it; None where there is none."""
    if path is None:
        return None
    accepted = request.headers.get("Accept-Encoding", "")
    try:
        data = path.read_bytes()
        for name, ending in PACKED:
            if takes(accepted, name) and (packed := path.with_name(path.name + ending)).exists():
                return sent(request, data, kind, caching, (name, packed.read_bytes()))
    except FileNotFoundError:
        return None
    return sent(request, data, kind, caching)


def takes(accepted: str, name: str) -> bool:
    said = [part.strip() for part in accepted.lower().split(",")]
    return any(part.partition(";")[0].strip() == name and not REFUSED.search(part) for part in said)


def sent(
    request: HttpRequest, data: bytes, kind: str, caching: str, packed: tuple[str, bytes] | None = None
) -> HttpResponse:
    """The same bytes for everybody: what is in a file is public. Only how long they may be kept differs."""
    if audience(request) is Audience.OPERATOR:
        return private(HttpResponse(data, content_type=kind))
    name, body = packed or ("", data)
    etag = f'"{sha256(data).hexdigest()[:32]}{"." + name if name else ""}"'
    response = HttpResponse(body, content_type=kind, headers={"Cache-Control": caching, "ETag": etag})
    if packed:
        response.headers["Content-Encoding"] = name
    patch_vary_headers(response, ["Accept-Encoding"])
    found = get_conditional_response(request, etag=etag, response=response)
    return found if isinstance(found, HttpResponse) else response
