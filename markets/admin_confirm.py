"""Actions that are asked first: of the rows that were ticked, or of one row by its button. Each says what was done.

A page of its own asks, with a POST of its own, so that a link does nothing and a stranger's form neither. Where a
reason is needed it is asked there and goes into the history of each row.
"""

# ruff: noqa: ARG002  the arguments are the admin's

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from markets.admin_base import ModelAdmin

Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]
CONFIRMED, REASON, BACK = "confirmed", "charon.reason", "next"
LONGEST_REASON = 200
# Rows that the question names; of more it says how many.
NAMED = 12


class ReasonForm(forms.Form):
    """Why an operator does it; kept in the history of the row."""

    reason = forms.CharField(label=gettext_lazy("Powód"), max_length=LONGEST_REASON, min_length=3)

    def __init__(self, data: Any = None, *, needed: bool) -> None:
        super().__init__(data)
        self.fields["reason"].required = needed
        if not needed:
            self.fields["reason"].label = gettext_lazy("Powód (można pominąć)")


class ConfirmedActions(ModelAdmin):
    """`confirmed`: actions that are asked first, with what the question says of each; `reasoned`: those that need a
    reason; `row_buttons`: actions that each row has as a button, with its short name.
    """

    confirmed: dict[str, "str | Promise"] = {}
    reasoned: Sequence[str] = ()
    row_buttons: dict[str, "str | Promise"] = {}

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().get_actions(request)
        return {
            name: (self.asked_first(func, name, words) if name in self.confirmed else func, name, words)
            for name, (func, _name, words) in found.items()
        }

    def asked_first(self, func: Action, name: str, words: str) -> Action:
        def ask(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
            given = request.POST if CONFIRMED in request.POST else None
            form = ReasonForm(given, needed=name in self.reasoned)
            if form.is_valid():
                request.META[REASON] = form.cleaned_data["reason"]
                return func(model_admin, request, queryset)
            return self.question(request, queryset, name, words, form)

        return ask

    def question(
        self, request: HttpRequest, rows: QuerySet[Any], name: str, words: str, form: ReasonForm
    ) -> HttpResponse:
        named = [str(row) for row in rows[: NAMED + 1]]
        context = {
            **self.admin_site.each_context(request),
            "title": words,
            "question": self.confirmed[name],
            "opts": self.model._meta,
            "rows": named[:NAMED],
            "more": max(0, rows.count() - NAMED) if len(named) > NAMED else 0,
            "form": form,
            "action": name,
            "checkbox": ACTION_CHECKBOX_NAME,
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "across": request.POST.get("select_across", ""),
            "back": self.way_back(request),
        }
        return TemplateResponse(request, "admin/confirm.html", context)

    # One row

    def get_list_display(self, request: HttpRequest) -> Any:
        return (*super().get_list_display(request), *(["buttons"] if self.row_buttons else []))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found, allowed = super().get_changelist_instance(request), self.get_actions(request)
        names = [name for name in self.row_buttons if name in allowed]
        for row in found.result_list:
            row.button_names = self.buttons_for(row, names)
        return found

    def buttons_for(self, row: Any, names: Sequence[str]) -> Sequence[str]:
        """Those that make sense for this row, of those that the account may use."""
        return names

    @admin.display(description=gettext_lazy("czynności"))
    def buttons(self, row: Any) -> SafeString:
        return self.buttons_of(row, getattr(row, "button_names", ()))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.do_one)
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        return [path("<path:object_id>/do/<slug:action>/", view, name=name), *super().get_urls()]

    def do_one(self, request: HttpRequest, object_id: str, action: str) -> HttpResponse:
        """GET asks, POST does. Whoever opens the address of a form that was sent without a session is asked again."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        allowed = self.get_actions(request)
        if action not in self.row_buttons or action not in allowed:
            raise PermissionDenied
        answer = allowed[action][0](self, request, self.get_queryset(request).filter(pk=row.pk))
        return answer or HttpResponseRedirect(self.way_back(request))

    def way_back(self, request: HttpRequest) -> str:
        wanted = request.GET.get(BACK, "")
        if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
            return wanted
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def buttons_of(self, row: Model, names: Sequence[str]) -> SafeString:
        """A list of links, each named with its row for those who hear it alone."""
        links = [(address(row, name), capfirst(str(self.row_buttons[name])), str(row)) for name in names]
        more = [(href, capfirst(words), str(row)) for href, words in self.more_links(row)]
        items = format_html_join(
            "", '<li><a class="row-button" href="{}">{}<span class="visually-hidden">: {}</span></a></li>', links + more
        )
        return format_html('<ul class="row-buttons">{}</ul>', items)

    def more_links(self, row: Any) -> Sequence[tuple[str, str]]:
        """Addresses and words of what is no action: another list, narrowed to the row."""
        return ()

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """With the reason that was given."""
        reason = request.META.get(REASON, "")
        return super().log_change(request, obj, f"{message} – {reason}" if reason else message)


def address(row: Model, action: str, back: str = "") -> str:
    """Of the question whether to do this with the row."""
    opts = row._meta
    found = reverse(f"admin:{opts.app_label}_{opts.model_name}_do", args=[row.pk, action])
    return f"{found}?{urlencode({BACK: back})}" if back else found
