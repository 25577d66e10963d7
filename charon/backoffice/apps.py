"""Django's admin with our site in the place of its own."""

from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AdminConfig):
    default_site = "charon.backoffice.site.BackOffice"
