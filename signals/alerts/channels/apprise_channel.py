"""What the channels through Apprise (github.com/caronc/apprise) share; an extra package, loaded by the first send.

Apprise says whether a service took a message, and neither the status nor when to try again. These services know no
idempotency key: a try whose answer is lost is told twice. Apprise's own log names tokens (`LOGGING` keeps it silent).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from re import Match, Pattern
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext as _

from signals.alerts.channels.channel import (
    SECONDS,
    Config,
    Failed,
    Field,
    Kind,
    Message,
    misconfigured,
    missing,
    value,
)

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# Seconds: with the look-up of the name less than SECONDS.
TIMEOUTS = {"cto": 3, "rto": 10}
TITLE_LIMIT = 200


class Form(NamedTuple):
    """A field, the only shape that its value may have, and what is said of any other."""

    field: Field
    pattern: Pattern[str]
    fault: "_StrPromise"


class Service(NamedTuple):
    """A service of Apprise. `plugin`: its class, given what the forms matched and Apprise's own arguments; `limit`: of
    title and text together, in UTF-16 units; `plain`: takes the meaning of markup from a text."""

    forms: tuple[Form, ...]
    plugin: Callable[[dict[str, Match[str]], dict[str, Any]], Any]
    limit: int
    plain: Callable[[str], str] = str


def kind(name: str, title: str, service: Service, target: Callable[[Config], str]) -> Kind:
    fields = tuple(form.field for form in service.forms)
    return Kind(
        name,
        title,
        fields,
        check=lambda config: faults(service, config),
        target=target,
        send=lambda config, message: send(service, config, message),
    )


def faults(service: Service, config: Config) -> dict[str, str]:
    shapes = {form.field.name: str(form.fault) for form in service.forms if not matched(form, config)}
    absent = {} if find_spec("apprise") else {service.forms[0].field.name: not_installed()}
    return shapes | missing(tuple(form.field for form in service.forms), config) | absent


def matched(form: Form, config: Config) -> Match[str] | None:
    return form.pattern.fullmatch(value(config, form.field.name))


def not_installed() -> str:
    return _("Ten kanał wymaga pakietu Apprise; instaluje go polecenie make channels")


def send(service: Service, config: Config, message: Message) -> int:
    """Raises Failed."""
    if not find_spec("apprise"):
        raise Failed(not_installed())
    found = {form.field.name: match for form in service.forms if (match := matched(form, config))}
    if len(found) < len(service.forms):
        raise misconfigured()
    try:
        status = notify(service, found, message)
    except TimeoutError:
        raise Failed(_("Usługa nie odpowiada")) from None
    except Exception:
        # Apprise promises to raise nothing, and names the token when it does.
        raise Failed(_("Apprise nie potrafi wysłać wiadomości tym kanałem")) from None
    if status != "SUCCESS":
        raise Failed(_("Usługa nie przyjęła wiadomości"))
    return 0


def notify(service: Service, found: dict[str, Match[str]], message: Message) -> str:
    """The name of the result's status: SUCCESS, FAILURE, PARTIAL or NOMATCH; raises TimeoutError."""
    import apprise

    # Apprise follows redirects unless it is told not to: a 307 would take the token to any host, an inner one included.
    asset = apprise.AppriseAsset(
        app_id="Charon", http_redirects=False, async_mode=False, storage_mode="memory", service_timeout=0
    )
    plugin = service.plugin(found, {"asset": asset, **TIMEOUTS})
    # It would sleep after a 429, beyond the time of the try, and send when the next try has sent already.
    plugin.throttle = lambda **_: None
    sender = apprise.Apprise(asset=asset)
    sender.add(plugin)
    kind = apprise.NotifyType.WARNING if message.critical else apprise.NotifyType.INFO
    title, text = parts(service, message)
    result = in_time(lambda: sender.notify(body=text, title=title, notify_type=kind, body_format="text"))
    return str(result.status.name)


def in_time(work: Callable[[], Any]) -> Any:
    """Raises TimeoutError; a thread that hangs lives on. Each has one of its own: Apprise's `timeout` would share a few
    threads between all channels, cores + 4, and so many that hang would take the turn of the others."""
    pool = ThreadPoolExecutor(1, "apprise")
    try:
        return pool.submit(work).result(SECONDS)
    finally:
        pool.shutdown(wait=False)


def parts(service: Service, message: Message) -> tuple[str, str]:
    """Title and text as the service takes them; the link is never cut. A text alone, where there is only one of them:
    Apprise counts an empty text as sent to some services, and sends nothing."""
    title = cut(service.plain(" ".join(message.title.splitlines())), TITLE_LIMIT)
    rest = service.limit - units(title) - units(message.link) - len("\r\n") * 2
    text = "\n".join(filter(None, (cut(service.plain(message.text), rest), message.link)))
    return (title, text) if text else ("", title)


def cut(text: str, limit: int) -> str:
    """At most so many UTF-16 units, an ellipsis in the place of the rest."""
    if units(text) <= limit:
        return text
    return text.encode("utf-16-le", "replace")[: 2 * (limit - 1)].decode("utf-16-le", "ignore") + "…"


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2
