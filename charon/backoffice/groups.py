"""The three groups: viewer looks, operator does the daily work, admin also gives rights.

A right is one of Django's permissions, the same that the API asks (`markets.access`). The table says by model which of
view, change, add and delete each group has; `sync` writes the groups so, again and again. Whoever needs other rights
makes a group of their own: these three are the release's.
"""

from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet

VIEWER, OPERATOR, ADMIN = "viewer", "operator", "admin"
LETTERS = {"v": "view", "c": "change", "a": "add", "d": "delete"}
# By model: viewer, operator, admin. `-` is none.
RIGHTS: dict[str, tuple[str, str, str]] = {
    "markets.source": ("v", "vca", "vca"),
    "markets.job": ("v", "v", "v"),
    "markets.problem": ("v", "v", "v"),
    "markets.gap": ("v", "vc", "vc"),
    "markets.outboxevent": ("v", "v", "v"),
    "markets.instrument": ("v", "vca", "vca"),
    "markets.alias": ("v", "vca", "vcad"),
    "markets.listing": ("v", "vca", "vcad"),
    "markets.listedasset": ("v", "v", "v"),
    "markets.override": ("v", "vca", "vca"),
    "markets.archivereading": ("v", "v", "v"),
    "markets.publication": ("v", "v", "v"),
    "markets.rate": ("v", "v", "v"),
    "markets.revision": ("v", "v", "v"),
    "markets.quote": ("v", "v", "v"),
    "markets.tick": ("v", "v", "v"),
    "markets.candle": ("v", "v", "v"),
    "markets.apitoken": ("-", "-", "vca"),
    "miner.queueitem": ("v", "v", "v"),
    "miner.syncstatus": ("v", "v", "v"),
    "miner.poll": ("v", "v", "v"),
    "miner.spent": ("v", "v", "v"),
    "miner.lease": ("v", "v", "v"),
    "signals.signal": ("v", "v", "v"),
    "signals.analysissnapshot": ("v", "vc", "vc"),
    "signals.outcome": ("v", "v", "v"),
    "signals.trial": ("v", "v", "v"),
    "alerts.alertrule": ("v", "vcad", "vcad"),
    "alerts.alertevent": ("v", "vc", "vc"),
    "alerts.alertstate": ("v", "v", "v"),
    "alerts.alertdefaults": ("v", "vca", "vca"),
    "alerts.channel": ("-", "v", "vcad"),
    "alerts.delivery": ("-", "vc", "vc"),
    "alerts.silence": ("v", "vca", "vcad"),
    "django_q.schedule": ("v", "v", "v"),
    "django_q.success": ("v", "v", "v"),
    "django_q.failure": ("v", "v", "v"),
    "django_q.ormq": ("v", "v", "v"),
    "auth.user": ("-", "-", "vcad"),
    "auth.group": ("-", "-", "vcad"),
    "admin.logentry": ("-", "v", "v"),
}


def wanted(place: int) -> set[str]:
    """The permissions of a group as `app.codename`."""
    found = set()
    for model, letters in RIGHTS.items():
        app, name = model.split(".")
        found |= {f"{app}.{LETTERS[letter]}_{name}" for letter in letters[place] if letter in LETTERS}
    return found


def write() -> None:
    """Make the groups what the table says; accounts stay in them. A group that is right already is not written."""
    known = {f"{one.content_type.app_label}.{one.codename}": one.pk for one in permissions()}
    for place, name in enumerate((VIEWER, OPERATOR, ADMIN)):
        group, _new = Group.objects.get_or_create(name=name)
        group.permissions.set({known[one] for one in wanted(place) if one in known})


def permissions() -> QuerySet[Permission]:
    return Permission.objects.select_related("content_type")
