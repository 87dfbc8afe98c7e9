"""SQLAlchemy over sqlite3: statements that succeed and one that fails."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from opentelemetry import trace
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

from tests.instrumentations.scenarios.instrumenting import instrumented


def run(_argument: str) -> Any:
    with instrumented(SQLAlchemyInstrumentor()):
        engine = sqlalchemy.create_engine("sqlite:///:memory:")
        with trace.get_tracer("app").start_as_current_span("work"), engine.begin() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE orders (number INTEGER)"))
            connection.execute(sqlalchemy.text("INSERT INTO orders VALUES (:number)"), [{"number": 7}, {"number": 8}])
            found = connection.execute(sqlalchemy.text("SELECT number FROM orders ORDER BY number"))
            rows = [list(row) for row in found]
            try:
                connection.execute(sqlalchemy.text("SELECT colour FROM orders"))
            except sqlalchemy.exc.OperationalError as error:
                raised = str(error.orig)
        engine.dispose()
    return {"rows": rows, "raised": raised}
