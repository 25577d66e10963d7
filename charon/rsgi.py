"""Entry for granian: Django's WSGI application behind the front (`python -m charon.serving` starts it)."""

from charon.wsgi import application as django  # it sets Django up, which the front needs

from charon.front import Front  # isort: skip

application = Front(django)
