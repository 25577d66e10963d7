"""Stand-ins for public price services, for tests and benchmarks without the internet."""

from tests.replica.server import Replica, serve

__all__ = ["Replica", "serve"]
