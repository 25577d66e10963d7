"""Where a stored thing came from. `/provenance/signal/{id}` is in `signals.api`, which has the decisions."""

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router

from markets import licence
from markets.api.provenance_schemas import Provenance, ThingPath
from markets.api.responses import DAILY, fresh
from markets.api.schemas import SERIES_ERRORS
from markets.queries.provenance import provenance

router = Router(tags=["rates"])


@router.get(
    "/provenance/{kind}/{int:id}",
    response={200: Provenance, **SERIES_ERRORS},
    operation_id="provenance",
    summary="Where it came from",
)
def provenance_of(request: HttpRequest, thing: Path[ThingPath]) -> HttpResponse:
    """Source and licence, document and hash, job, and what was corrected since: of a publication, a rate, a correction,
    a figure that an operator set, or a job.
    """
    return fresh(request, provenance(thing.kind, thing.id, licence.audience(request)), DAILY)
