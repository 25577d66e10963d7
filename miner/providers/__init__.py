"""All the wiring there is: a provider is in this map or it does not exist.

Packages of other people add theirs by the entry point group `charon.providers`.
"""

from importlib.metadata import entry_points

from miner.providers.base import Provider
from miner.providers.binance import Binance
from miner.providers.coingecko import CoinGecko
from miner.providers.deribit import Deribit
from miner.providers.ecb import ECB
from miner.providers.nbp import NBP
from miner.providers.nbp_archive import NBPArchive
from miner.providers.polygon import Polygon

OURS: tuple[type[Provider], ...] = (NBPArchive, NBP, ECB, CoinGecko, Deribit, Binance, Polygon)
PROVIDERS: dict[str, type[Provider]] = {provider.code: provider for provider in OURS} | {
    point.name: point.load() for point in entry_points(group="charon.providers")
}
