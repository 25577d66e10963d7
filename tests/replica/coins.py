"""What the replicas price, with the dollars that one unit costs on the anchor day of the walk and how much that moves.

Currencies stand at the NBP's mids of 2026-10-26, so that the euro here is the euro of the central banks' replicas; gold
stands where the replica of the NBP has it on that day. The coins are invented at usual levels.
"""

from typing import NamedTuple

DOLLAR = 3.9293
CURRENCIES = {
    "PLN": 1.0, "EUR": 4.4026, "GBP": 5.2428, "CHF": 4.7562, "JPY": 0.024969, "AUD": 2.7648, "CAD": 2.8032,
    "NZD": 2.2353, "CZK": 0.1807, "DKK": 0.5890, "HUF": 0.011998, "NOK": 0.4207, "SEK": 0.3954, "RON": 0.8234,
    "ISK": 0.032277, "TRY": 0.0789, "BRL": 0.7913, "CNY": 0.5892, "HKD": 0.5009, "IDR": 0.00021691, "ILS": 1.2720,
    "INR": 0.041279, "KRW": 0.002968, "MXN": 0.2102, "MYR": 0.9613, "PHP": 0.0614, "SGD": 3.0700, "THB": 0.1162,
    "ZAR": 0.2369, "UAH": 0.0862, "CLP": 0.003948,
}  # fmt: skip
METALS = {"XAU": (4731.0, 0.16), "XAG": (52.0, 0.28), "XPT": (1560.0, 0.24), "XPD": (1420.0, 0.33)}
PEGGED = {"DKK": "EUR", "HKD": "USD"}  # what they move with


class Coin(NamedTuple):
    """`supply` in millions; `trades` is how many a minute Binance.US sees of it against the dollar."""

    id: str
    name: str
    price: float
    sigma: float
    supply: float
    trades: float


COINS = {
    "BTC": Coin("bitcoin", "Bitcoin", 90_000, 0.42, 19.9, 9),
    "ETH": Coin("ethereum", "Ethereum", 3_000, 0.55, 120.7, 6),
    "XRP": Coin("ripple", "XRP", 2.2, 0.65, 60_000, 3),
    "BNB": Coin("binancecoin", "BNB", 870, 0.5, 137.7, 1.5),
    "SOL": Coin("solana", "Solana", 140, 0.7, 555, 3),
    "DOGE": Coin("dogecoin", "Dogecoin", 0.16, 0.8, 152_000, 2),
    "TRX": Coin("tron", "TRON", 0.28, 0.4, 94_700, 0.2),
    "ADA": Coin("cardano", "Cardano", 0.45, 0.75, 35_900, 2),
    "HBAR": Coin("hedera-hashgraph", "Hedera", 0.15, 0.85, 42_500, 1),
    "LINK": Coin("chainlink", "Chainlink", 13.5, 0.75, 697, 1.2),
    "BCH": Coin("bitcoin-cash", "Bitcoin Cash", 540, 0.6, 19.95, 0.4),
    "XLM": Coin("stellar", "Stellar", 0.25, 0.75, 32_200, 0.8),
    "SUI": Coin("sui", "Sui", 1.6, 0.9, 3_680, 1.1),
    "AVAX": Coin("avalanche-2", "Avalanche", 14.8, 0.8, 427, 1),
    "LTC": Coin("litecoin", "Litecoin", 85, 0.6, 76.5, 1),
    "SHIB": Coin("shiba-inu", "Shiba Inu", 0.0000088, 0.8, 589_000_000, 0.9),
    "TON": Coin("the-open-network", "Toncoin", 1.6, 0.7, 2_440, 0.05),
    "DOT": Coin("polkadot", "Polkadot", 2.4, 0.75, 1_640, 0.6),
    "UNI": Coin("uniswap", "Uniswap", 6.3, 0.8, 630, 0.3),
    "AAVE": Coin("aave", "Aave", 175, 0.8, 15.3, 0.25),
    "NEAR": Coin("near", "NEAR Protocol", 1.9, 0.85, 1_280, 0.25),
    "ICP": Coin("internet-computer", "Internet Computer", 4.1, 0.85, 545, 0.15),
    "ETC": Coin("ethereum-classic", "Ethereum Classic", 14, 0.65, 154, 0.2),
    "APT": Coin("aptos", "Aptos", 2.4, 0.85, 735, 0.12),
    "POL": Coin("polygon-ecosystem-token", "POL (ex-MATIC)", 0.14, 0.8, 10_500, 0.15),
    "ARB": Coin("arbitrum", "Arbitrum", 0.21, 0.9, 5_600, 0.1),
    "VET": Coin("vechain", "VeChain", 0.014, 0.8, 86_000, 0.35),
    "ALGO": Coin("algorand", "Algorand", 0.14, 0.8, 8_800, 0.3),
    "ATOM": Coin("cosmos", "Cosmos Hub", 2.6, 0.75, 480, 0.25),
    "FIL": Coin("filecoin", "Filecoin", 1.6, 0.85, 720, 0.1),
    "RENDER": Coin("render-token", "Render", 1.8, 0.95, 518, 0.1),
    "FET": Coin("fetch-ai", "Artificial Superintelligence Alliance", 0.26, 1.0, 2_400, 0.12),
    "OP": Coin("optimism", "Optimism", 0.33, 0.9, 1_900, 0.06),
    "INJ": Coin("injective-protocol", "Injective", 6.0, 0.9, 100, 0.05),
    "SEI": Coin("sei-network", "Sei", 0.14, 0.95, 6_400, 0.08),
    "TIA": Coin("celestia", "Celestia", 0.65, 1.0, 850, 0.03),
    "GRT": Coin("the-graph", "The Graph", 0.05, 0.85, 10_600, 0.1),
    "LDO": Coin("lido-dao", "Lido DAO", 0.7, 0.95, 890, 0.02),
    "MKR": Coin("maker", "Maker", 1_450, 0.7, 0.85, 0.02),
    "CRV": Coin("curve-dao-token", "Curve DAO", 0.42, 0.95, 1_430, 0.04),
    "COMP": Coin("compound-governance-token", "Compound", 32, 0.8, 9.6, 0.02),
    "SNX": Coin("havven", "Synthetix Network", 0.55, 0.9, 343, 0.02),
    "SAND": Coin("the-sandbox", "The Sandbox", 0.15, 0.85, 2_600, 0.06),
    "MANA": Coin("decentraland", "Decentraland", 0.16, 0.85, 1_920, 0.05),
    "AXS": Coin("axie-infinity", "Axie Infinity", 1.1, 0.9, 167, 0.03),
    "APE": Coin("apecoin", "ApeCoin", 0.27, 0.95, 900, 0.03),
    "CHZ": Coin("chiliz", "Chiliz", 0.03, 0.85, 10_100, 0.04),
    "ENJ": Coin("enjincoin", "Enjin Coin", 0.032, 0.9, 1_880, 0.02),
    "BAT": Coin("basic-attention-token", "Basic Attention", 0.22, 0.75, 1_495, 0.05),
    "ZIL": Coin("zilliqa", "Zilliqa", 0.0065, 0.8, 19_600, 0.03),
    "ZEC": Coin("zcash", "Zcash", 420, 1.1, 16.3, 0.15),
    "DASH": Coin("dash", "Dash", 55, 0.9, 12.5, 0.05),
    "XTZ": Coin("tezos", "Tezos", 0.5, 0.75, 1_060, 0.06),
    "EGLD": Coin("elrond-erd-2", "MultiversX", 7.8, 0.85, 28.8, 0.02),
    "QNT": Coin("quant-network", "Quant", 82, 0.7, 14.5, 0.02),
    "IMX": Coin("immutable-x", "Immutable", 0.33, 0.95, 1_960, 0.03),
    "KAVA": Coin("kava", "Kava", 0.12, 0.85, 1_082, 0.02),
    "ONE": Coin("harmony", "Harmony", 0.005, 0.9, 14_800, 0.02),
    "RVN": Coin("ravencoin", "Ravencoin", 0.009, 0.9, 15_700, 0.03),
    "PEPE": Coin("pepe", "Pepe", 0.0000046, 1.1, 420_690_000, 0.5),
    "BONK": Coin("bonk", "Bonk", 0.0000098, 1.1, 82_000_000, 0.1),
    "WIF": Coin("dogwifcoin", "dogwifhat", 0.38, 1.2, 999, 0.05),
    "XMR": Coin("monero", "Monero", 380, 0.6, 18.4, 0.01),
    "PAXG": Coin("pax-gold", "PAX Gold", 4_731, 0.16, 0.33, 0.1),
    "USDT": Coin("tether", "Tether", 1.0, 0.0004, 184_000, 1.5),
    "USDC": Coin("usd-coin", "USDC", 1.0, 0.0003, 75_000, 1.5),
    "DAI": Coin("dai", "Dai", 1.0, 0.0006, 4_600, 0.02),
}
CODES_BY_ID = {coin.id: code for code, coin in COINS.items()}
# A token of gold costs what gold costs.
SAME = {"PAXG": "XAU"}


def level(code: str) -> tuple[float, float]:
    """Dollars and yearly volatility; a code that is none of these gets a currency's."""
    if code in COINS:
        return COINS[code].price, COINS[code].sigma
    if code in METALS:
        return METALS[code]
    sigma = 0.004 if code in PEGGED else 0.07
    return CURRENCIES.get(code, DOLLAR) / DOLLAR, sigma
