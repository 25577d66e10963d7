"""Gaps in the admin: asked for again now, as by `POST /gaps/heal`."""

from collections import defaultdict
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets import access
from markets.admin import GapAdmin
from markets.errors import ConflictError, QuestionError
from markets.models import Gap, Source
from miner.gaps import ask
from miner.gaps.wish import Wish

admin.site.unregister(Gap)


@admin.register(Gap)
class MinedGapAdmin(GapAdmin):
    actions = ("heal", *GapAdmin.actions)
    confirmed = GapAdmin.confirmed | {
        "heal": gettext_lazy("Źródło zostanie zapytane o te dni jeszcze raz, niezależnie od terminu następnej próby.")
    }
    row_buttons = {"heal": gettext_lazy("zapytaj teraz"), **GapAdmin.row_buttons}

    def has_heal_permission(self, request: HttpRequest) -> bool:
        return access.user_may(request.user, *access.HEAL_GAPS)

    @admin.action(description=gettext_lazy("Zapytaj teraz o wybrane luki"), permissions=["heal"])
    def heal(self, request: HttpRequest, queryset: QuerySet[Gap]) -> None:
        for (source, table), gaps in by_series(queryset).items():
            self.message_user(request, *self.healed(request, source, table, gaps))

    def healed(self, request: HttpRequest, source: Source, table: str, gaps: list[Gap]) -> tuple[str, int]:
        """What became of the wish, in words."""
        name = {"name": f"{source} {table}"}
        try:
            ask.check_awake(source)
            wish = wish_of(gaps)
            task = ask.plan(source, table, wish)
            if task is None:
                return _("Tych dni już nie brakuje: %(name)s") % name, messages.SUCCESS
            job = ask.start(source, table, wish, task)
        except ask.SourceOff:
            return _("Źródło jest wyłączone, wstrzymane albo bez klucza: %(name)s") % name, messages.WARNING
        except ConflictError:
            return _("O tę serię ktoś właśnie pyta, drugiego zapytania nie zlecono: %(name)s") % name, messages.WARNING
        except QuestionError:
            return _("O tę lukę nie da się zapytać ponownie: %(name)s") % name, messages.WARNING
        for gap in gaps:
            self.log_change(request, gap, _("Zlecono zapytanie"))
        return _("Zlecono zapytanie: %(name)s (zadanie %(job)s)") % {**name, "job": job.pk}, messages.SUCCESS


def by_series(queryset: QuerySet[Gap]) -> dict[tuple[Source, str], list[Gap]]:
    found: dict[tuple[Source, str], list[Gap]] = defaultdict(list)
    for gap in queryset.select_related("source", "instrument"):
        found[gap.source, gap.table].append(gap)
    return found


def wish_of(gaps: list[Gap]) -> Wish:
    """One wish that holds them all: of one instrument if they agree on it, from the first day to the last."""
    instruments: set[Any] = {gap.instrument_id for gap in gaps}
    return Wish(
        instrument=instruments.pop() if len(instruments) == 1 else None,
        first=min(gap.from_time for gap in gaps).date(),
        last=max(gap.to_time for gap in gaps).date(),
        accepted=any(gap.accepted_at for gap in gaps),
    )
