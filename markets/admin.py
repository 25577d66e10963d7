"""The operators' room. Figures and their proof are looked at here, never changed; choices about sources are made here."""

from datetime import timedelta
from decimal import Decimal

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from markets import clock
from markets.figures import published
from markets.models import Alias, Ingest, Instrument, Job, Publication, Quote, Rate, Revision, Source
from markets.templatetags import polish

admin.site.site_header = "Charon"
admin.site.site_title = "Charon"
admin.site.index_title = gettext_lazy("Zarządzanie")

PAUSE = timedelta(hours=1)
TABLES = ("A", "B", "C", "gold")


class LookOnly[M: Model]:
    """placeholder"""
