"""The URLs of bench/cached.py: Charon's own and `/constant/<size>/`, a response of that many bytes."""

import functools

from django.http import HttpRequest, HttpResponse
from django.urls import path

from charon.urls import handler500  # noqa: F401
from charon.urls import urlpatterns as own


@functools.cache
def body(size: int) -> bytes:
    return b"x" * size


def constant(request: HttpRequest, size: int) -> HttpResponse:  # noqa: ARG001
    return HttpResponse(body(size), content_type="application/json; charset=utf-8")


urlpatterns = [path("constant/<int:size>/", constant), *own]
