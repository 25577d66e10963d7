"""The settings of django-bolt alone: no application, no middleware, no database of Django."""

SECRET_KEY = "of a benchmark"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["django_bolt"]
ROOT_URLCONF = "bench.peers.django_bolt_settings"
BOLT_API = ["bench.peers.django_bolt_app:api"]
USE_TZ = True
LOGGING_CONFIG = None
urlpatterns: list[object] = []
