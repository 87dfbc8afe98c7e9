"""What the shop remembers: orders, in SQLite unless DATABASE_URL says otherwise."""

from __future__ import annotations

import os

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///shop.db"))


class Base(DeclarativeBase):
    """The tables of the shop."""


class Order(Base):
    """One order."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    product: Mapped[str]
    quantity: Mapped[int]


def is_answering() -> bool:
    """Whether the database can be asked: the health check."""
    with engine.connect() as connection:
        connection.execute(select(Order.id).limit(1))
    return True
