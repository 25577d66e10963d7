"""Django's admin with our site in the place of its own."""

from django.contrib.admin.apps import SimpleAdminConfig


class BackOfficeConfig(SimpleAdminConfig):
    """Its lists are loaded with the addresses (charon.page_urls): half of what a process without pages would load."""

    default_site = "charon.backoffice.site.BackOffice"
