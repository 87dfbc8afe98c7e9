"""What is where."""

from django.urls import path

from library import views

urlpatterns = [
    path("books", views.books),
    path("books/<str:title>", views.buy),
    path("books/<str:title>/readers/<str:reader>", views.borrow),
    path("books/<str:title>/return", views.give_back),
]
