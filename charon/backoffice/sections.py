"""The order of the admin's lists: by the work that an operator does with them."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from markets.access import READ_LOG, user_may
from markets.views import Row

SECTIONS = (
    ("work", gettext_lazy("Praca"), ("markets.Source", "markets.Job", "markets.Problem", "markets.Gap")),
    (
        "queues",
        gettext_lazy("Kolejki i limity"),
        (
            *("miner.QueueItem", "miner.Poll", "miner.Spent", "miner.SyncStatus", "markets.OutboxEvent"),
            *("django_q.OrmQ", "django_q.Failure", "django_q.Success", "django_q.Schedule", "miner.Lease"),
        ),
    ),
    (
        "alerts",
        gettext_lazy("Alerty"),
        (
            *("alerts.AlertRule", "alerts.AlertEvent", "alerts.Channel", "alerts.Delivery", "alerts.Silence"),
            *("alerts.AlertState", "alerts.AlertDefaults"),
        ),
    ),
    (
        "data",
        gettext_lazy("Dane"),
        (
            *("markets.Instrument", "markets.Alias", "markets.Listing", "markets.ListedAsset", "markets.Override"),
            *("markets.Rate", "markets.Publication", "markets.Revision", "markets.ArchiveReading"),
            *("markets.Quote", "markets.Tick", "markets.Candle"),
        ),
    ),
    (
        "signals",
        gettext_lazy("Sygnały"),
        ("signals.Signal", "signals.AnalysisSnapshot", "signals.Outcome", "signals.Trial"),
    ),
    ("access", gettext_lazy("Dostęp"), ("auth.User", "auth.Group", "markets.ApiToken", "admin.LogEntry")),
)
OTHERS = gettext_lazy("Pozostałe")
# In the bar of every page.
SHORTCUTS = (
    ("markets_problem", "markets.view_problem", gettext_lazy("Problemy")),
    ("markets_source", "markets.view_source", gettext_lazy("Źródła")),
    ("markets_job", "markets.view_job", gettext_lazy("Zadania")),
    ("markets_gap", "markets.view_gap", gettext_lazy("Luki")),
    ("alerts_alertevent", "alerts.view_alertevent", gettext_lazy("Alerty")),
    ("alerts_channel", "alerts.view_channel", gettext_lazy("Kanały")),
)


def in_order(apps: list[dict[str, Any]]) -> list[Row]:
    """The lists that the account may see, by section; one that no section names stands at the end."""
    known = {model["model"]._meta.label: model for app in apps for model in app["models"]}
    found = [
        section(label, name, [known.pop(one) for one in models if one in known]) for label, name, models in SECTIONS
    ]
    return [one for one in [*found, section("others", OTHERS, list(known.values()))] if one["models"]]


def section(label: str, name: Any, models: list[dict[str, Any]]) -> Row:
    for model in models:
        model["name"] = capfirst(model["name"])
    return {"name": name, "app_label": label, "app_url": "", "has_module_perms": True, "models": models}


def shortcuts(request: HttpRequest) -> list[Row]:
    """Names and addresses; none for whom is not signed in."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_active or not user.is_staff:
        return []
    lists = [(reverse(f"admin:{name}_changelist"), words) for name, may, words in SHORTCUTS if user.has_perm(may)]
    log = [(reverse("admin:message_log"), gettext_lazy("Dziennik wiadomości"))] if user_may(user, *READ_LOG) else []
    return [{"href": href, "words": words, "current": request.path == href} for href, words in [*lists, *log]]
