"""What instruments are called: names of currencies, metals and coins, and the spellings that find an instrument.

Pure facts, without a table: providers and the writers of instruments both ask here.
"""

import unicodedata
from functools import cache

from babel import Locale

GOLD = "XAU"
# Unicode's categories: control, format (among them every bidi mark), surrogate, separators of lines and paragraphs.
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Polish and English, each by the troy ounce where a market prices it.
METALS = {
    "XAU": ("złoto", "gold"),
    "XAG": ("srebro", "silver"),
    "XPT": ("platyna", "platinum"),
    "XPD": ("pallad", "palladium"),
}
OUNCE = "oz"
# A coin is written alike in every language.
COINS = {
    "BTC": "Bitcoin", "ETH": "Ethereum", "XRP": "XRP", "BNB": "BNB", "SOL": "Solana", "DOGE": "Dogecoin",
    "ADA": "Cardano", "LINK": "Chainlink", "XLM": "Stellar", "BCH": "Bitcoin Cash", "AVAX": "Avalanche",
    "HBAR": "Hedera", "LTC": "Litecoin", "SUI": "Sui", "SHIB": "Shiba Inu", "DOT": "Polkadot", "UNI": "Uniswap",
    "AAVE": "Aave", "NEAR": "NEAR Protocol", "ICP": "Internet Computer", "ETC": "Ethereum Classic", "APT": "Aptos",
    "ATOM": "Cosmos Hub", "ALGO": "Algorand", "VET": "VeChain", "FIL": "Filecoin", "ARB": "Arbitrum",
    "GRT": "The Graph", "ZEC": "Zcash", "TRX": "TRON", "TON": "Toncoin", "XMR": "Monero", "USDT": "Tether",
    "USDC": "USD Coin", "DAI": "Dai", "PAXG": "PAX Gold",
}  # fmt: skip
# What else some markets call a coin.
NICKNAMES = {"BTC": ("XBT",)}
# What the gold of the NBP is also called.
GOLD_NAMES = ("GOLD", "ZLOTO")
# What coins are priced in, the most usual first; every other quote is a currency of three letters.
QUOTES = ("USD", "USDT", "USDC")
CRYPTO, METAL, PAIR = "crypto", "metal", "pair"
MAX_NAME = 32


@cache
def locale(language: str) -> Locale:
    return Locale.parse(language)


def currency_name(code: str, language: str) -> str:
    """CLDR's name, or the code itself where CLDR knows none."""
    return str(locale(language).currencies.get(code, code))


def is_currency(code: str) -> bool:
    return code in locale("en").currencies


def kind_of(base: str) -> str:
    """What a market prices, by its symbol alone: a symbol that is no currency and no metal is a coin."""
    if base in METALS:
        return METAL
    return PAIR if base not in COINS and is_currency(base) else CRYPTO


def printable(text: str) -> str:
    """A provider's name without what nobody sees: control characters, and those that turn the direction of writing and
    make the text behind them read otherwise (Trojan Source, CVE-2021-42574).
    """
    # Nearly every name: a tenth of the time that sign by sign takes, and a table has 150 of them.
    if text.isprintable():
        return " ".join(text.split())
    return " ".join("".join(" " if sign.isspace() else sign for sign in text if is_shown(sign)).split())


def is_shown(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign) not in UNSEEN


def split(code: str) -> tuple[str, str]:
    """Base and quote of `BTCUSDT`, `EURUSD`; the quote is one of QUOTES, or the last three letters."""
    longest = sorted(QUOTES, key=len, reverse=True)
    quote = next((quote for quote in longest if code.endswith(quote) and code != quote), code[-3:])
    return code.removesuffix(quote), quote


def names(base: str, quote: str, kind: str, name: str = "") -> tuple[str, str]:
    """Polish and English. A coin in dollars is what people mean by the coin; every other pair names its quote."""
    if kind == CRYPTO:
        known = COINS.get(base) or printable(name) or base
        found = known, known
    else:
        found = METALS.get(base) or (currency_name(base, "pl"), currency_name(base, "en"))
    if kind == CRYPTO and quote == "USD":
        return found
    return f"{found[0]} ({quote})", f"{found[1]} ({quote})"


def spellings(code: str, base: str, quote: str, kind: str) -> list[str]:
    """`USD/PLN` and `USDPLN` for USD, gold also as `GOLD` and `ZLOTO`; `BTC`, `BTC/USD` and `btc_usd` for BTCUSD."""
    found = [f"{base}/{quote}", f"{base}{quote}"]
    if code == GOLD:
        found += GOLD_NAMES
    if quote in QUOTES or kind == PAIR:
        # Some markets put the class before the pair: X for coins, C for currencies and metals.
        prefix = "X" if kind == CRYPTO else "C"
        found += [f"{base}_{quote}", f"{base}-{quote}", f"{prefix}:{base}{quote}"]
    for other in NICKNAMES.get(base, ()):
        found += [f"{other}/{quote}", f"{other}{quote}"]
    if quote == "USD" and kind == CRYPTO and (base in COINS or not is_reserved(base)):
        found += [base, *NICKNAMES.get(base, ())]
    return [name for name in dict.fromkeys(found) if name != code]


def is_reserved(name: str) -> bool:
    """Whether it means an official rate, also where none is stored yet: `EUR`, `EURPLN`, `GOLD`."""
    currency = name.removesuffix("PLN").rstrip("/_-")
    return name in GOLD_NAMES or is_currency(name) or is_currency(currency)
