"""The web application under the clock of the walks."""

from charon.rsgi import application
from e2e import clock

clock.turn()

__all__ = ["application"]
