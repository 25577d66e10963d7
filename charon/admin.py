"""Accounts, and who changed what in the admin."""

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.utils.translation import gettext_lazy

from markets.admin_base import LookOnly
from markets.admin_edits import LabelledMoments
from markets.templatetags.backoffice import reason

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class AccountAdmin(LabelledMoments, UserAdmin):  # type: ignore[type-arg, unused-ignore]  # generic only in the stubs
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active", "groups")
    # The pair of boxes that Django draws by script has controls without a name.
    filter_horizontal = ()


@admin.register(Group)
class RightsAdmin(GroupAdmin):  # type: ignore[type-arg, unused-ignore]  # as above
    filter_horizontal = ()


@admin.register(LogEntry)
class LogEntryAdmin(LookOnly):
    plural_title, one_title = gettext_lazy("Historia zmian"), gettext_lazy("Wpis historii zmian")
    list_display = ("action_time", "user", "content_type", "object_repr", "said")
    list_filter = (("action_time", admin.DateFieldListFilter), "action_flag")
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "user__username")
    fields = readonly_fields = ("action_time", "user", "content_type", "object_repr", "said")

    @admin.display(description=gettext_lazy("co"))
    def said(self, row: LogEntry) -> str:
        return " – ".join(filter(None, [row.get_change_message(), reason(row)]))
