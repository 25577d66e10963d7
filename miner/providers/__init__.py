"""All the wiring there is: a provider is in this map or it does not exist.

Packages of other people add theirs by the entry point group `charon.providers`.
"""

import importlib
import logging
from importlib.metadata import EntryPoint, entry_points

from miner.providers.base import Provider
from miner.providers.binance import Binance
from miner.providers.coingecko import CoinGecko
from miner.providers.deribit import Deribit
from miner.providers.ecb import ECB
from miner.providers.nbp import NBP
from miner.providers.nbp_archive import NBPArchive
from miner.providers.polygon import Polygon

logger = logging.getLogger(__name__)

OURS: tuple[type[Provider], ...] = (NBPArchive, NBP, ECB, CoinGecko, Deribit, Binance, Polygon)


def installed() -> dict[str, type[Provider]]:
    """Those of other people's packages. One that is broken is told and left out: it stops nobody else's work."""
    found = {}
    for point in entry_points(group="charon.providers"):
        try:
            found[point.name] = provider_in(point)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            logger.error("The provider %s (%s) is left out: %s", point.name, point.value, problem)
    return found


def provider_in(point: EntryPoint) -> type[Provider]:
    provider = point.load()
    if not (isinstance(provider, type) and issubclass(provider, Provider)):
        raise TypeError("it is no Provider")
    return provider


PROVIDERS: dict[str, type[Provider]] = {provider.code: provider for provider in OURS} | installed()


def discover() -> None:
    """Take in the packages that were installed since this process began."""
    importlib.invalidate_caches()
    for code, provider in installed().items():
        PROVIDERS.setdefault(code, provider)
