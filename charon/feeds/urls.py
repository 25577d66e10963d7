"""The routes of feeds, calendars, pictures and frames; docs/feeds.md describes each."""

from django.urls import path

from charon.feeds.addresses import ADDRESSES

urlpatterns = [path(one.route, one.view, name=one.name) for one in ADDRESSES]
