"""What each comparison of two sources is called; the only place of the pages that knows providers by name."""

from django.utils.translation import gettext_noop

# By the name of the pair; the units are what both values are in.
PAIRS = {
    "eur-pln": gettext_noop("EUR w złotych: NBP i EBC"),
    "usd-pln": gettext_noop("USD w złotych: NBP i EBC"),
    "chf-pln": gettext_noop("CHF w złotych: NBP i EBC"),
    "gbp-pln": gettext_noop("GBP w złotych: NBP i EBC"),
    "gold": gettext_noop("1 g złota w złotych: NBP i rynek"),
    "btc-deribit-coingecko": gettext_noop("BTC w dolarach: Deribit i CoinGecko"),
    "btc-binance-coingecko": gettext_noop("BTC: Binance.US i CoinGecko"),
    "btc-binance-deribit": gettext_noop("BTC: Binance.US i Deribit"),
}
