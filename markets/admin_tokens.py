"""The tokens of clients in the admin: made, shown once, revoked."""

# ruff: noqa: ARG002  the arguments are the admin's

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import api_tokens, clock
from markets.access import GRANTS, Scope, user_may
from markets.admin_base import NeitherAddedNorDeleted
from markets.admin_confirm import ConfirmedActions
from markets.models import ApiToken

if TYPE_CHECKING:  # generic only in the stubs
    TokenModelForm = forms.ModelForm[ApiToken]
else:
    TokenModelForm = forms.ModelForm


class TokenForm(TokenModelForm):
    """Nobody gives more than they have."""

    user: Any = None
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Zakresy"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = ApiToken
        fields = ("name", "scopes")

    def clean_scopes(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["scopes"]
        for scope in chosen:
            if not user_may(self.user, *GRANTS[scope]):
                raise forms.ValidationError(_("Twoje konto nie ma uprawnień zakresu „%s”") % scope)
        return chosen


@admin.register(ApiToken)
class ApiTokenAdmin(ConfirmedActions, NeitherAddedNorDeleted):
    """A token that was made is not changed: it is revoked, and another one is made."""

    list_display = ("name", "prefix", "scope_names", "created_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "prefix")
    fields = ("name", "prefix", "scope_names", "created_at", "last_used_at", "revoked_at")
    readonly_fields = ("scope_names",)
    actions = ("revoke",)
    confirmed = {"revoke": gettext_lazy("Program z tym tokenem od razu straci dostęp. Tego nie da się cofnąć.")}
    row_buttons = {"revoke": gettext_lazy("unieważnij")}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super(NeitherAddedNorDeleted, self).has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def buttons_for(self, row: ApiToken, names: Sequence[str]) -> Sequence[str]:
        return [] if row.revoked_at else names

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Nobody changes a token by hand; who might, by Django's permissions, may revoke it."""
        return user_may(request.user, "markets.change_apitoken")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return self.fields if obj else ("name", "scopes")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj:
            return super().get_form(request, obj, change, **kwargs)
        return type("Form", (super().get_form(request, obj, change, form=TokenForm, **kwargs),), {"user": request.user})

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        row, token = api_tokens.create(obj.name, obj.scopes)
        obj.__dict__.update(row.__dict__)
        request.META["charon.new_token"] = token

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Shown on this page alone: a redirect would have to carry the token in a message, which is a cookie."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Nowy token API"),
            "opts": self.model._meta,
            "row": obj,
            "token": request.META["charon.new_token"],
        }
        return TemplateResponse(request, "admin/markets/apitoken/created.html", context)

    @admin.display(description=gettext_lazy("zakresy"))
    def scope_names(self, row: ApiToken) -> str:
        return ", ".join(row.scopes)

    @admin.action(description=gettext_lazy("Unieważnij wybrane tokeny"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        rows = list(queryset.filter(revoked_at=None))
        queryset.filter(revoked_at=None).update(revoked_at=clock.now())
        for row in rows:
            self.log_change(request, row, _("Unieważniono"))
        self.message_user(request, _("Unieważniono tokeny: %(count)d") % {"count": len(rows)}, messages.SUCCESS)
