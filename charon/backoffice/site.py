"""The admin as an operator needs it: what is wrong first, then the lists in the order of the work."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite, actions
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from charon.backoffice import front, sections

View = Callable[..., HttpResponseBase]
KEPT = "charon.app_list"


def delete_chosen(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
    """Django's, whose name of it declines no Polish word."""
    return actions.delete_selected(model_admin, request, queryset)


delete_chosen.allowed_permissions = ("delete",)  # type: ignore[attr-defined]
delete_chosen.short_description = gettext_lazy("Usuń wybrane")  # type: ignore[attr-defined]


class BackOffice(AdminSite):
    # The lists are wide: a column with all their names left 500 px of 1280 for the table.
    enable_nav_sidebar = False
    site_header = site_title = "Charon"
    index_title = gettext_lazy("Zarządzanie")
    empty_value_display = "–"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")
        self.add_action(delete_chosen, "delete_selected")

    def get_urls(self) -> list[Any]:
        from charon.backoffice.messages import page

        own: list[URLPattern] = [path("messages/", self.admin_view(page), name="message_log")]
        return [*own, *super().get_urls()]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """A form that was sent after its session had ended is not saved: the door says so."""
        inner = super().admin_view(view, cacheable)

        def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST" and not request.user.is_authenticated and request.path != self.door():
                lost = _(
                    "Sesja wygasła, zanim formularz dotarł: nic nie zapisano. Zaloguj się i wyślij go jeszcze raz."
                )
                messages.warning(request, lost)
            answer: HttpResponseBase = inner(request, *args, **kwargs)
            return answer

        return update_wrapper(told, view)

    def door(self) -> str:
        return reverse(f"{self.name}:login", current_app=self.name)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The browser forgets the pages too; what people chose (theme, pins) is no secret of the session and stays."""
        answer: TemplateResponse = super().logout(request, extra_context)
        answer.headers["Clear-Site-Data"] = '"cache"'
        return answer

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        office = front.context(request)
        return super().index(request, {"title": _("Stan systemu"), "office": office} | (extra_context or {}))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().each_context(request)
        return found | {"shortcuts": sections.shortcuts(request)}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """By the work that they belong to; one package's list as Django has it."""
        if app_label is None and KEPT in request.META:  # a page asks for it twice
            return list(request.META[KEPT])
        found = super().get_app_list(request, app_label)
        for app in found:
            for model in app["models"]:
                model["name"] = title_of(self._registry[model["model"]]) or model["name"]
        if app_label:
            return found
        request.META[KEPT] = sections.in_order(found)
        return list(request.META[KEPT])


def title_of(model_admin: object) -> str:
    return str(getattr(model_admin, "plural_title", "") or "")
