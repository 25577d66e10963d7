"""Stand-ins for public price services, for tests, benchmarks and the demonstration without the internet."""

from tests.replica.binance import Binance
from tests.replica.coingecko import CoinGecko
from tests.replica.deribit import Deribit
from tests.replica.ecb import ECB
from tests.replica.nbp import NBP
from tests.replica.polygon import Polygon
from tests.replica.server import Server
from tests.replica.services import SERVICES, Replica, run, serve

__all__ = [
    "ECB",
    "NBP",
    "SERVICES",
    "Binance",
    "CoinGecko",
    "Deribit",
    "Polygon",
    "Replica",
    "Server",
    "run",
    "serve",
]
