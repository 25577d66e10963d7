"""The timetable is written by code alone: one malformed row by hand would stop every schedule of the queue."""

# ruff: noqa: ARG002  the arguments are the admin's

from django.contrib import admin
from django.http import HttpRequest
from django_q.admin import ScheduleAdmin
from django_q.models import Schedule

admin.site.unregister(Schedule)


@admin.register(Schedule)
class TimetableAdmin(ScheduleAdmin):  # type: ignore[misc]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        return False
