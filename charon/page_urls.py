"""Every page by its address and name, in both languages: Polish at /…, English below /en/ with the same segments."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path

from charon.pages import (
    acknowledge,
    alerts,
    api_guide,
    dashboard,
    data,
    instrument,
    method,
    signal,
    signals,
    table_day,
)
from charon.pages import status as status_page
from charon.pages.charts import views as charts
from charon.pages.converter import converter_page
from charon.pages.crypto import coin, scanner
from charon.pages.tax.invoice import invoice_page
from charon.pages.tax.lines_page import lines_page
from charon.pages.tax.page import tax_page
from charon.pages.ui import overview, settings
from miner import views as miner

# The admin's lists: a process without pages loads none of them (charon.backoffice.apps).
admin.autodiscover()

page_urls: list[URLPattern | URLResolver] = [
    path("", dashboard.dashboard_page, name="dashboard"),
    path("waluty/", dashboard.currencies_page, name="currencies"),
    path("waluty/<path:code>/", instrument.currency, name="currency"),
    path("zloto/", instrument.gold, name="gold"),
    path("tabele/<str:table>/<str:day>/", table_day.view, name="table_day"),
    path("wykres/<path:code>/dane/", charts.data, name="chart_data"),
    path("wykres/<path:code>/tabela/", charts.rows, name="chart_table"),
    path("krypto/", scanner.scanner, name="crypto"),
    path("krypto/<path:symbol>/", coin.coin, name="coin"),
    path("ui", overview.overview, name="ui"),
    path("ui/assets/<path:symbol>", coin.asset, name="ui_asset"),
    path("ui/settings", settings.settings_page, name="ui_settings"),
    path("kurs-podatkowy/", tax_page, name="tax"),
    path("kurs-podatkowy/lista/", lines_page, name="tax_lines"),
    path("kurs-podatkowy/faktura/", invoice_page, name="tax_invoice"),
    path("przelicznik/", converter_page, name="converter"),
    path("ui/alerts", alerts.page, name="ui_alerts"),
    path("sygnaly/", signals.page, name="signals"),
    path("sygnaly/<int:number>/", signal.page, name="signal"),
    path("alerty/", alerts.page, name="alerts"),
    path("alerty/podglad/", alerts.preview, name="alert_preview"),
    path("alerty/potwierdz/<str:token>/", acknowledge.page, name="acknowledge"),
    path("dane/", data.gaps, name="data"),
    path("dane/zmiany/", data.corrections, name="revisions"),
    path("dane/porownanie/", data.comparison, name="comparison"),
    path("miner/", miner.jobs, name="jobs"),
    path("status/", status_page.page, name="status"),
    path("o-danych/", method.view, name="method"),
    path("api/", api_guide.view, name="api_guide"),
    path("admin/", admin.site.urls),
]
