"""Charon's own addresses, and one more that answers with as many bytes as its number says."""

import functools

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from charon.urls import handler500  # noqa: F401


@functools.cache
def body(size: int) -> bytes:
    return b"x" * size


def constant(request: HttpRequest, size: int) -> HttpResponse:  # noqa: ARG001
    return HttpResponse(body(size), content_type="application/json; charset=utf-8")


urlpatterns = [path("constant/<int:size>/", constant), path("", include("charon.urls"))]
