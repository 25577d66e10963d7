"""Entry for WSGI servers: granian serves `application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "charon.settings")
application = get_wsgi_application()
