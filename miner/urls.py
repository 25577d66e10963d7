"""The address /miner/."""

from django.urls import path

from miner import views

urlpatterns = [path("", views.jobs, name="miner")]
