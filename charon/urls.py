"""Pages, the API, the admin. The root paths of the API follow from its routers (charon.api.addresses)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from charon import logins, metrics  # noqa: F401  logins listens to failed ones
from charon.api import sse
from charon.api.addresses import STREAM
from charon.api.app import api
from charon.feeds import llms
from charon.pages import acknowledge, alerts, dashboard, instrument, signals, well_known
from charon.pages import status as status_page

handler400 = "charon.middleware.bad_request"
handler500 = "charon.middleware.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", dashboard.dashboard_page, name="dashboard"),
    path("waluty/", instrument.currencies, name="currencies"),
    path("waluty/<path:code>/", instrument.currency, name="currency"),
    path("zloto/", instrument.gold, name="gold"),
    path("sygnaly/", signals.page, name="signals"),
    path("alerty/", alerts.page, name="alerts"),
    path("alerty/podglad/", alerts.preview, name="alert_preview"),
    path("alerty/potwierdz/<str:token>/", acknowledge.page),
    path("ui/alerts", RedirectView.as_view(pattern_name="alerts", query_string=True)),
    path("miner/", include("miner.urls")),
    path("status/", status_page.page, name="status"),
    path(STREAM.removeprefix("/"), sse.elsewhere),
    path("api/v1/", api.urls),
    path("metrics", metrics.page),
    path("admin/", admin.site.urls),
    path("", include("charon.feeds.urls")),
    path("llms.txt", llms.page),
    path("robots.txt", well_known.robots),
    path("favicon.ico", well_known.favicon),
    path(".well-known/security.txt", well_known.security),
]
