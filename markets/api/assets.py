"""The assets that are followed: the list, and what operators add and remove.

No request here waits for a source: what a source lists stands in the cached listings, and what they do not know yet
is looked up by a job.
"""

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from markets import licence
from markets.access import FOLLOW, UNFOLLOW
from markets.api.asset_schemas import OPERATOR_ERRORS, AssetItem, AssetPath, NewAsset, PendingAsset
from markets.api.operator import Operator
from markets.api.responses import array, fresh, nothing, private, reply
from markets.api.schemas import COMMON_ERRORS, Envelope, Paging
from markets.errors import UnknownCodeError
from markets.jobs import lookups
from markets.queries import assets, listed, prices
from markets.store import assets as asset_store
from markets.store import listings

router = Router(tags=["prices"])


@router.get("/assets", response={200: list[AssetItem], **COMMON_ERRORS}, operation_id="assets", summary="Assets")
def asset_list(request: HttpRequest, paging: Query[Paging]) -> HttpResponse:
    """Everything that is followed on a market, sorted by code."""
    rows = assets.tracked()
    audience = licence.audience(request)
    return fresh(request, array(paging, rows, lambda page: assets.asset_rows(page, audience)), total=rows.count())


@router.post(
    "/assets",
    response={201: AssetItem, 202: PendingAsset, 408: Envelope, 409: Envelope, **OPERATOR_ERRORS},
    operation_id="asset_add",
    summary="Follow an asset",
    auth=Operator(*FOLLOW),
)
def asset_add(request: HttpRequest, new: NewAsset) -> HttpResponse:
    """Operators only. Every source that lists it is asked for it from its next run on.

    201 for what is known to be listed. 202 while it is not known: a job asks the enabled sources what they list and
    then follows the asset, or fails with the reason; `see` (also in Location) leads to it. 404 with the nearest codes
    for what no enabled source lists. 409 for what is followed already, for an alias that means another asset, and while
    the symbol is being looked up with another name or other aliases.
    """
    asset_store.check_aliases(new.symbol, new.aliases)
    instrument = asset_store.follow(new.symbol, new.name or "", new.aliases)
    if instrument is None:
        return look_up(request, new)
    [row] = assets.asset_rows(assets.tracked().filter(pk=instrument.pk), licence.audience(request))
    return private(reply(row, 201))


def look_up(request: HttpRequest, new: NewAsset) -> HttpResponse:
    """Where the answer will be, or 404 when every source has said lately what it lists."""
    if not listed.unasked().exists():
        message = f"No source lists an asset {new.symbol!r}"
        raise UnknownCodeError(message, {"nearest": listed.nearest_assets(new.symbol)})
    job = lookups.request(new.symbol, new.name or "", new.aliases)
    see = f"/api/v1/jobs?type={job.job_type}"
    response = private(reply({"status": "pending", "symbol": new.symbol, "job": job.pk, "see": see}, 202))
    response.headers["Location"] = see
    return response


@router.delete(
    "/assets/{path:symbol}",
    response={204: None, **OPERATOR_ERRORS},
    operation_id="asset_remove",
    summary="Follow it no more",
    auth=Operator(*UNFOLLOW),
)
def asset_remove(request: HttpRequest, asset: Path[AssetPath]) -> HttpResponse:
    """Operators only. Nobody is asked for it any more; its history stays."""
    instrument = prices.find_asset(asset.symbol)
    if not listings.leave(instrument):
        raise UnknownCodeError(f"{instrument.code} is not followed", {"nearest": []})
    return nothing()
