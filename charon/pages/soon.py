"""The place of a page that is not built yet."""

from django.http import Http404, HttpRequest, HttpResponse


def page(request: HttpRequest, **named: object) -> HttpResponse:  # noqa: ARG001
    raise Http404
