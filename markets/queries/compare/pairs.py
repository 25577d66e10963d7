"""The registry: every pair that is compared, one declaration each."""

from markets.queries.compare.pair import Pair, Series, Side, ecb_cross, ecb_euro, market, nbp, ounce_in_zloty

HOURS = "The fixings are hours apart: what the market moved meanwhile is part of the difference."
MIDNIGHT = "The band is of prices at midnight UTC."
OTHER_QUOTE = f"{MIDNIGHT} One side is in USDT and the other in USD: the price of USDT is part of the difference."
GOLD = (
    "The NBP documents no hour of its price. The other side is the ounce at midnight UTC of that day by the NBP's mid "
    "of the dollar: what the market moved meanwhile is part of the difference."
)

PAIRS = (
    Pair("eur-pln", "PLN for 1 EUR", nbp("EUR"), ecb_euro(), HOURS),
    Pair("usd-pln", "PLN for 1 USD", nbp("USD"), ecb_cross("USD"), HOURS),
    Pair("chf-pln", "PLN for 1 CHF", nbp("CHF"), ecb_cross("CHF"), HOURS),
    Pair("gbp-pln", "PLN for 1 GBP", nbp("GBP"), ecb_cross("GBP"), HOURS),
    Pair("gold", "PLN for 1 g of gold", Side((Series("nbp", "XAU", "gold"),)), ounce_in_zloty("polygon"), GOLD),
    Pair(
        "btc-deribit-coingecko",
        "USD for 1 BTC",
        market("deribit", "BTCUSD"),
        market("coingecko", "BTCUSD"),
        MIDNIGHT,
    ),
    Pair(
        "btc-binance-coingecko",
        "USDT or USD for 1 BTC",
        market("binance", "BTCUSDT"),
        market("coingecko", "BTCUSD"),
        OTHER_QUOTE,
    ),
    Pair(
        "btc-binance-deribit",
        "USDT or USD for 1 BTC",
        market("binance", "BTCUSDT"),
        market("deribit", "BTCUSD"),
        OTHER_QUOTE,
    ),
)
