"""Invoices as plain text: Flask behind gunicorn, with several workers that are seen as one service."""

from __future__ import annotations

import logging
import math

from flask import Flask, Response, abort
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from heliograph import CallableHealthCheck, TelemetryManager

CUSTOMERS = {"ada": "Ada Lovelace", "alan": "Alan Turing"}

telemetry = TelemetryManager.start()  # as heliograph.yaml says; once, in gunicorn's master, see gunicorn.conf.py
logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s trace=%(trace_id)s")
rendered = telemetry.counter("invoices.rendered", unit="{invoice}", description="Invoices rendered, by customer.")
sizes = telemetry.histogram("invoices.size", unit="By", description="Size of an invoice.", buckets=[100, 200, 500, 1000])
open_invoices = telemetry.up_down_counter("invoices.open", unit="{invoice}", description="Invoices being rendered.")

app = Flask("invoices")
telemetry.instrument(flask=app, logging=True)
# In front of what is instrumented: neither a probe nor a scrape is a request to the service.
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/telemetry": telemetry.wsgi_app()})  # type: ignore[method-assign]

telemetry.health.add_check(CallableHealthCheck("customers", lambda: bool(CUSTOMERS)), groups=["ready"])


def render(name: str, lines: int) -> str:
    with telemetry.span("render invoice", {"invoice.lines": lines}):
        if lines > 10:
            raise ValueError(f"an invoice of {lines} lines does not fit on a page")
        items = [f"{number:>4}  {math.factorial(number):>12,}.00 EUR" for number in range(1, lines + 1)]
        return "\n".join([f"Invoice for {name}", *items, ""])


@app.get("/invoices/<customer>/<int:lines>")
def invoice(customer: str, lines: int) -> Response:
    if customer not in CUSTOMERS:
        app.logger.warning("no customer is called %s", customer)
        abort(404)
    open_invoices.add(1)
    try:
        text = render(CUSTOMERS[customer], lines)
    finally:
        open_invoices.add(-1)
    rendered.add(1, {"customer": customer})
    sizes.record(len(text))
    return Response(text, mimetype="text/plain")
