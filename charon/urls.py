"""Pages, the API and its documentation, the admin. The root paths of the API are the middleware's (`api_paths`)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from charon import instrument, live, metrics, pages, status
from charon.api import api, redoc

handler500 = "charon.middleware.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.pulpit, name="pulpit"),
    path("waluty/", instrument.currencies, name="currencies"),
    path("waluty/<path:code>/", instrument.currency, name="currency"),
    path("zloto/", instrument.gold, name="gold"),
    path("miner/", include("miner.urls")),
    path("status/", status.page, name="status"),
    path("api/v1/redoc", redoc),
    path(live.STREAM.removeprefix("/"), live.elsewhere),
    path("api/v1/", api.urls),
    path("metrics", metrics.page),
    path("admin/", admin.site.urls),
]
