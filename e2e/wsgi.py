"""The web application under the clock of the walks."""

from charon.wsgi import application
from e2e import clock

clock.turn()

__all__ = ["application"]
