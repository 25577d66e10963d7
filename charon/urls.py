"""Pages, the API, the admin. The root paths of the API follow from its routers (charon.api.addresses)."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from charon import logins, metrics  # noqa: F401  logins listens to failed ones
from charon.api import sse
from charon.api.addresses import STREAM
from charon.api.app import api
from charon.feeds import llms
from charon.page_urls import page_urls
from charon.pages import status_feed, well_known

handler400 = "charon.middleware.bad_request"
handler500 = "charon.middleware.server_error"

# Addresses without a slash at their end are also typed with one.
SLASHED = {"ui/": "ui", "ui/alerts/": "ui_alerts", "ui/settings/": "ui_settings"}
without_slash = [
    path(route, RedirectView.as_view(pattern_name=name, query_string=True)) for route, name in SLASHED.items()
]

urlpatterns: list[URLPattern | URLResolver] = [
    # First: behind the pages a question of the API would be compared with fifty of their routes before its own.
    path(STREAM.removeprefix("/"), sse.elsewhere),
    path("api/v1/", api.urls),
    *i18n_patterns(*page_urls, *without_slash, prefix_default_language=False),
    path("metrics", metrics.page),
    path("", include("charon.feeds.urls")),
    path("status.json", status_feed.as_json, name="status_json"),
    path("status.txt", status_feed.as_text, name="status_text"),
    path("llms.txt", llms.page),
    path("robots.txt", well_known.robots),
    path("sitemap.xml", well_known.sitemap, name="sitemap"),
    path("favicon.ico", well_known.favicon),
    path(".well-known/security.txt", well_known.security),
]
