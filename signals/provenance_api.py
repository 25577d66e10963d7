"""Where a decision came from: the one kind of `/provenance/{kind}/{id}` that `markets` does not know."""

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router

from markets.api.responses import DAILY, fresh
from markets.api.schemas import COMMON_ERRORS, Envelope
from markets.licence import audience
from markets.queries.provenance import UnknownThingError
from signals import provenance
from signals.api_rows import is_shown
from signals.models import Signal
from signals.provenance_schemas import ProvenancePath, SignalProvenance

router = Router(tags=["signals"])


@router.get(
    "/provenance/signal/{int:id}",
    response={200: SignalProvenance, 404: Envelope, **COMMON_ERRORS},
    operation_id="provenance_signal",
    summary="Where a decision came from",
)
def provenance_of(request: HttpRequest, decision: Path[ProvenancePath]) -> HttpResponse:
    """The bars that decided with their tables and hashes, the rule with its parameters, the hashes of its row, and all
    versions of the bar. `/provenance/{kind}/{id}` is about everything else.
    """
    row = Signal.objects.select_related("instrument").filter(pk=decision.id).first()
    if row is None or not is_shown(row, audience(request)):
        raise UnknownThingError(f"There is no signal {decision.id}", None)
    return fresh(request, provenance.provenance(row), DAILY)
