"""A shop that takes orders: FastAPI, and SQLAlchemy on SQLite."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from database import Base, Order, engine, is_answering
from fastapi import FastAPI, HTTPException
from opentelemetry import trace
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from heliograph import CallableHealthCheck, TelemetryManager

PRICES_EUR = {"lamp": 25.0, "table": 120.0}
CREDIT_EUR = 1000.0

telemetry = TelemetryManager.start()  # as heliograph.yaml says
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s trace=%(trace_id)s")
log = logging.getLogger("shop")
items_sold = telemetry.counter("shop.items.sold")  # unit, description and buckets: heliograph.yaml
order_value = telemetry.histogram("shop.order.value")


class Wanted(BaseModel):
    """What a customer asks for."""

    product: str
    quantity: int = Field(gt=0, le=100)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    with telemetry.span("create tables"):
        Base.metadata.create_all(engine)
    yield


app = FastAPI(title="shop", lifespan=lifespan)
telemetry.instrument(fastapi=app, sqlalchemy=engine, logging=True)
telemetry.health.add_check(CallableHealthCheck("database", is_answering), groups=["ready"])
app.mount("/telemetry", telemetry.asgi_app())


@telemetry.span("charge")
def charge(amount_eur: float) -> None:
    trace.get_current_span().set_attribute("shop.amount_eur", amount_eur)
    if amount_eur > CREDIT_EUR:
        raise ValueError(f"{amount_eur:.2f} EUR is more than the credit of {CREDIT_EUR:.2f} EUR")


@app.post("/orders", status_code=201)
def take_order(wanted: Wanted) -> dict[str, int]:
    if wanted.product not in PRICES_EUR:
        raise HTTPException(404, f"no product is called {wanted.product!r}")
    amount_eur = PRICES_EUR[wanted.product] * wanted.quantity
    try:
        charge(amount_eur)
    except ValueError as refusal:
        log.warning("order refused: %s", refusal)
        raise HTTPException(402, str(refusal)) from refusal
    with Session(engine, expire_on_commit=False) as session:
        order = Order(product=wanted.product, quantity=wanted.quantity)
        session.add(order)
        session.commit()
    items_sold.add(wanted.quantity, {"product": wanted.product})
    order_value.record(amount_eur)
    log.info("order %d taken", order.id)
    return {"id": order.id}


@app.get("/orders/{order_id}")
def show_order(order_id: int) -> dict[str, str | int]:
    with Session(engine) as session:
        order = session.get(Order, order_id)
    if order is None:
        raise HTTPException(404, f"there is no order {order_id}")
    return {"id": order.id, "product": order.product, "quantity": order.quantity}
