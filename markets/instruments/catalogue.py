"""What a newly met instrument is called, which other spellings find it, and what the markets list."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from babel import Locale

from markets.models import Alias, Instrument, Listing, Source
from markets.redis.response_cache import changed

GOLD = "XAU"
METALS = {"XAU": ("złoto", "gold"), "XAG": ("srebro", "silver")}
OUNCE = "oz"


@cache
def locale(language: str) -> Locale:
    return Locale.parse(language)


def currency_name(code: str, language: str) -> str:
    """CLDR's name, or the code itself where CLDR knows none."""
    return str(locale(language).currencies.get(code, code))


def currency(code: str) -> Instrument:
    return Instrument(
        code=code,
        base=code,
        kind=Instrument.Kind.CURRENCY,
        name_pl=currency_name(code, "pl"),
        name_en=currency_name(code, "en"),
    )


def gold() -> Instrument:
    return Instrument(
        code=GOLD, base=GOLD, kind=Instrument.Kind.METAL, unit="g", scale=2, name_pl="złoto", name_en="gold"
    )


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin is written alike in every language; `slug` is what CoinGecko calls it."""

    symbol: str
    slug: str
    name: str


COINS = {
    coin.symbol: coin
    for coin in (
        Coin("BTC", "bitcoin", "Bitcoin"),
        Coin("ETH", "ethereum", "Ethereum"),
        Coin("XRP", "ripple", "XRP"),
        Coin("BNB", "binancecoin", "BNB"),
        Coin("SOL", "solana", "Solana"),
        Coin("DOGE", "dogecoin", "Dogecoin"),
        Coin("ADA", "cardano", "Cardano"),
        Coin("LINK", "chainlink", "Chainlink"),
        Coin("XLM", "stellar", "Stellar"),
        Coin("BCH", "bitcoin-cash", "Bitcoin Cash"),
        Coin("AVAX", "avalanche-2", "Avalanche"),
        Coin("HBAR", "hedera-hashgraph", "Hedera"),
        Coin("LTC", "litecoin", "Litecoin"),
        Coin("SUI", "sui", "Sui"),
        Coin("SHIB", "shiba-inu", "Shiba Inu"),
        Coin("DOT", "polkadot", "Polkadot"),
        Coin("UNI", "uniswap", "Uniswap"),
        Coin("AAVE", "aave", "Aave"),
        Coin("NEAR", "near", "NEAR Protocol"),
        Coin("ICP", "internet-computer", "Internet Computer"),
        Coin("ETC", "ethereum-classic", "Ethereum Classic"),
        Coin("APT", "aptos", "Aptos"),
        Coin("ATOM", "cosmos", "Cosmos Hub"),
        Coin("ALGO", "algorand", "Algorand"),
        Coin("VET", "vechain", "VeChain"),
        Coin("FIL", "filecoin", "Filecoin"),
        Coin("ARB", "arbitrum", "Arbitrum"),
        Coin("GRT", "the-graph", "The Graph"),
        Coin("ZEC", "zcash", "Zcash"),
        Coin("TRX", "tron", "TRON"),
        Coin("TON", "the-open-network", "Toncoin"),
        Coin("XMR", "monero", "Monero"),
        Coin("USDT", "tether", "Tether"),
        Coin("USDC", "usd-coin", "USD Coin"),
        Coin("DAI", "dai", "Dai"),
        Coin("PAXG", "pax-gold", "PAX Gold"),
    )
}
# What else some markets call a coin.
NICKNAMES = {"BTC": ("XBT",)}
# Traded against USDT at Binance.US: all but these.
NOT_AT_BINANCE_US = {"TRX", "TON", "XMR", "USDT", "USDC", "DAI", "PAXG"}
# What coins are priced in; every other quote is a currency of three letters.
QUOTES = ("USDT", "USDC", "USD")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of what a source lists: its ticker, our code, how urgent it is to know."""

    ticker: str
    code: str
    priority: int = Listing.Priority.MEDIUM


POLYGON = {
    "C:XAUUSD": Listing.Priority.CRITICAL,
    "C:EURUSD": Listing.Priority.CRITICAL,
    "X:BTCUSD": Listing.Priority.CRITICAL,
    "X:ETHUSDT": Listing.Priority.HIGH,
    "C:GBPUSD": Listing.Priority.HIGH,
    "C:USDJPY": Listing.Priority.HIGH,
    "C:XAGUSD": Listing.Priority.MEDIUM,
    "C:AUDUSD": Listing.Priority.MEDIUM,
    "C:USDCAD": Listing.Priority.MEDIUM,
}
# What each source lists, by its code. Of several prices of one instrument the most urgent listing's is shown.
LISTED: dict[str, tuple[Entry, ...]] = {
    "polygon": tuple(Entry(ticker, ticker[2:], priority) for ticker, priority in POLYGON.items()),
    "deribit": tuple(Entry(f"{coin}_usd", f"{coin.upper()}USD", Listing.Priority.HIGH) for coin in ("btc", "eth")),
    "coingecko": tuple(Entry(coin.slug, f"{coin.symbol}USD") for coin in COINS.values()),
    "binance": tuple(Entry(f"{symbol}USDT", f"{symbol}USDT") for symbol in COINS if symbol not in NOT_AT_BINANCE_US),
}


# Sources with so few calls that what is not critical there takes turns, every BATCH_ENQUEUE_MINUTES.
TAKE_TURNS = {"polygon"}
# Sources that changed their names: what people call them, and the code that they keep here.
RENAMED = {"massive": "polygon"}


def source_code(name: str) -> str:
    """The code of a source, in any case and by any of its names."""
    return RENAMED.get(name.lower(), name.lower())


def market(code: str) -> Instrument:
    """`BTCUSD`, `EURUSD`, `XAUUSD`: one of the base in units of the quote, metals by the troy ounce."""
    quote = next((quote for quote in QUOTES if code.endswith(quote) and code != quote), code[-3:])
    base = code.removesuffix(quote)
    if base in COINS:
        names, kind, unit, scale = (COINS[base].name,) * 2, Instrument.Kind.CRYPTO, "1", 2
    elif base in METALS:
        names, kind, unit, scale = METALS[base], Instrument.Kind.METAL, OUNCE, 2
    else:
        names = (currency_name(base, "pl"), currency_name(base, "en"))
        kind, unit, scale = Instrument.Kind.PAIR, "1", 3 if quote == "JPY" else 5
    # A coin in dollars is what people mean by the coin.
    pl, en = names if base in COINS and quote == "USD" else (f"{name} ({quote})" for name in names)
    return Instrument(code=code, base=base, quote=quote, kind=kind, unit=unit, scale=scale, name_pl=pl, name_en=en)


def names_of(instrument: Instrument) -> list[str]:
    """`USD/PLN` and `USDPLN` for USD, gold also as `GOLD` and `ZLOTO`; `BTC`, `BTC/USD` and `btc_usd` for BTCUSD."""
    base, quote = instrument.base, instrument.quote
    names = [f"{base}/{quote}", f"{base}{quote}"]
    if instrument.code == GOLD:
        names += ["GOLD", "ZLOTO"]
    if quote in QUOTES or instrument.kind == Instrument.Kind.PAIR:
        prefix = "X" if base in COINS else "C"
        names += [f"{base}_{quote}", f"{base}-{quote}", f"{prefix}:{base}{quote}"]
    for other in NICKNAMES.get(base, ()):
        names += [f"{other}/{quote}", f"{other}{quote}"]
    if quote == "USD" and base in COINS:
        names += [base, COINS[base].slug.upper(), *NICKNAMES.get(base, ())]
    return [name for name in dict.fromkeys(names) if name != instrument.code]


def spellings(instrument: Instrument) -> list[Alias]:
    return [Alias(name=name, instrument=instrument) for name in names_of(instrument)]


@cache
def market_names() -> dict[str, str]:
    """Every spelling of everything that a market lists, with its code."""
    codes = {entry.code for entries in LISTED.values() for entry in entries}
    rows = [market(code) for code in sorted(codes)]
    return {name: row.code for row in rows for name in names_of(row)} | {row.code: row.code for row in rows}


def list_at(
    source: Source, tickers: Mapping[str, str] | None = None, tracked: Collection[str] | None = None
) -> list[str]:
    """Write what the source lists into the tables; answers the codes that are new there.

    `tickers` (by code) are what a provider knows beyond this catalogue. `tracked` are the spellings that are followed
    from the start, None all of them. A listing that is there already keeps its ticker, its priority and whether it is
    followed: that belongs to the operators.
    """
    entries = {code: Entry(ticker, code) for code, ticker in (tickers or {}).items()}
    entries |= {entry.code: entry for entry in LISTED.get(source.code, ())}
    wanted = None if tracked is None else {market_names().get(name.strip().upper(), name) for name in tracked}
    there = set(source.listings.values_list("instrument__code", flat=True))
    new = [entry for entry in entries.values() if entry.code not in there]
    instruments, _ = find_or_create({entry.code for entry in new}, Instrument.Kind.PAIR)
    listings = [
        Listing(
            instrument=instruments[entry.code],
            source=source,
            ticker=entry.ticker,
            priority=entry.priority,
            tracked=wanted is None or entry.code in wanted,
        )
        for entry in new
    ]
    Listing.objects.bulk_create(listings, ignore_conflicts=True)
    return [entry.code for entry in new]


def create(code: str, kind: str) -> Instrument:
    """What the NBP prices, in PLN, or what is traded: a pair, whatever it is made of."""
    if kind == Instrument.Kind.PAIR and len(code) > len(GOLD):
        return market(code)
    return gold() if kind == Instrument.Kind.METAL else currency(code)


def find_or_create(codes: set[str], kind: str) -> tuple[dict[str, Instrument], list[str]]:
    """Instruments by code; a code never seen becomes an instrument, and is reported in the second value."""
    known = {row.code: row for row in Instrument.objects.filter(code__in=codes)}
    new = [create(code, kind) for code in sorted(codes - known.keys())]
    Instrument.objects.bulk_create(new)
    Alias.objects.bulk_create([alias for row in new for alias in spellings(row)], ignore_conflicts=True)
    changed([row.pk for row in new])
    return known | {row.code: row for row in new}, [row.code for row in new]


def find(text: str) -> Instrument | None:
    """By code or alias, whatever the case: `usd`, `USD/PLN`, `gold`."""
    if "\0" in text:  # PostgreSQL takes it for a fault of the question
        return None
    wanted = text.strip().upper()
    rows = Instrument.objects.select_related("generation")  # the cache compares it: no query of its own
    return rows.filter(code=wanted).first() or rows.filter(aliases__name=wanted).first()
