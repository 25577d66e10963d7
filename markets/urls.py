from django.urls import path

from markets import views

urlpatterns = [path("", views.dashboard, name="dashboard")]
