"""sqlite3: statements that succeed and one that fails."""

from __future__ import annotations

import sqlite3
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor

from tests.instrumentations.scenarios.instrumenting import instrumented


def run(_argument: str) -> Any:
    with instrumented(SQLite3Instrumentor()):
        connection = sqlite3.connect(":memory:")
        with trace.get_tracer("app").start_as_current_span("work"):
            cursor = connection.cursor()
            cursor.execute("CREATE TABLE orders (number INTEGER)")
            cursor.executemany("INSERT INTO orders VALUES (?)", [(7,), (8,)])
            rows = cursor.execute("SELECT number FROM orders ORDER BY number").fetchall()
            try:
                cursor.execute("SELECT colour FROM orders")
            except sqlite3.OperationalError as error:
                raised = str(error)
        connection.close()
    return {"rows": rows, "raised": raised}
