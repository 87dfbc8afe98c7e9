"""Books can be looked at, bought, borrowed and given back."""

import logging

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from library.models import Book
from library.telemetry import telemetry

log = logging.getLogger("library")
loans = telemetry.counter("library.loans", unit="{loan}", description="Books borrowed.")
lent = telemetry.up_down_counter("library.books.lent", unit="{book}", description="Books that readers have.")


@require_GET
def books(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"books": list(Book.objects.order_by("title").values("title", "reader"))})


@require_POST
def buy(request: HttpRequest, title: str) -> HttpResponse:
    _book, is_new = Book.objects.get_or_create(title=title)
    return JsonResponse({"title": title}, status=201 if is_new else 200)


@require_POST
def borrow(request: HttpRequest, title: str, reader: str) -> HttpResponse:
    book = get_object_or_404(Book, title=title)
    with telemetry.span("lend", {"library.title": title}) as span:
        # One statement that finds it free and takes it: of two readers, one gets it.
        is_lent = Book.objects.filter(pk=book.pk, reader="").update(reader=reader) == 1
        span.set_attribute("library.is_lent", is_lent)
    if not is_lent:
        log.warning("%s is lent already", title)
        return JsonResponse({"error": f"{book.reader} has it"}, status=409)
    loans.add(1)
    lent.add(1)
    return JsonResponse({"title": title, "reader": reader})


@require_POST
def give_back(request: HttpRequest, title: str) -> HttpResponse:
    if Book.objects.filter(title=title).exclude(reader="").update(reader="") == 0:
        raise LookupError(f"nobody has {title!r}")
    lent.add(-1)
    return HttpResponse(status=204)
