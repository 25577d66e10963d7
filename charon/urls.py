"""Pages, the API, the admin. The root paths of the API follow from its routers (charon.api.addresses)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from charon import metrics
from charon.api import sse
from charon.api.app import api
from charon.pages import dashboard, instrument
from charon.pages import status as status_page

handler500 = "charon.middleware.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", dashboard.dashboard_page, name="dashboard"),
    path("waluty/", instrument.currencies, name="currencies"),
    path("waluty/<path:code>/", instrument.currency, name="currency"),
    path("zloto/", instrument.gold, name="gold"),
    path("miner/", include("miner.urls")),
    path("status/", status_page.page, name="status"),
    path(sse.STREAM.removeprefix("/"), sse.elsewhere),
    path("api/v1/", api.urls),
    path("metrics", metrics.page),
    path("admin/", admin.site.urls),
]
