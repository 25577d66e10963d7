"""Entry for granian: Django's WSGI application behind the front (`python -m charon.serving` starts it)."""

from charon.wsgi import application as django  # it sets Django up, which the front needs

from charon import urls  # noqa: F401  # isort: skip
from charon.front import Front  # isort: skip
from markets.queries import calendars  # isort: skip

# Loaded here, the workers share them: with the addresses each of them loaded these for its first page.
calendars.closing_days(calendars.POLAND)

application = Front(django)
