"""sqlite3, SQLAlchemy, redis."""

from __future__ import annotations

from tests.instrumentations.comparison import equal_on_both
from tests.instrumentations.normal import Recorded


def statements(recorded: Recorded, root: str = "work") -> dict[str, str]:
    """{statement: status} of the client spans below a root."""
    below = recorded.span(root)["children"]
    return {span["attributes"]["db.statement"]: span["status"][0] for span in below if "db.statement" in span["attributes"]}


SQL = {
    "CREATE TABLE orders (number INTEGER)": "UNSET",
    "INSERT INTO orders VALUES (?)": "UNSET",
    "SELECT number FROM orders ORDER BY number": "UNSET",
    "SELECT colour FROM orders": "ERROR",
}


def test_sqlite3_has_a_span_for_each_statement() -> None:
    recorded = equal_on_both("sqlite3_database")
    assert recorded.facts == {"rows": [[7], [8]], "raised": "no such column: colour"}
    lines = ["  CREATE CLIENT", "  INSERT CLIENT", "  SELECT CLIENT ERROR", "  SELECT CLIENT"]
    assert recorded.outline() == ["work INTERNAL", *lines]
    assert statements(recorded) == SQL
    assert {span["attributes"]["db.system"] for span in recorded.span("work")["children"]} == {"sqlite"}
    (failed,) = [span for span in recorded.span("work")["children"] if span["events"]]
    assert failed["events"][0]["attributes"]["exception.type"] == "sqlite3.OperationalError"


def test_sqlalchemy_has_a_span_for_the_connection_and_each_statement() -> None:
    recorded = equal_on_both("sqlalchemy_database")
    assert recorded.facts == {"rows": [[7], [8]], "raised": "no such column: colour"}
    assert statements(recorded) == SQL
    assert recorded.attributes("connect", "CLIENT") == {"db.system": "sqlite", "db.name": ":memory:"}
    (failed,) = [span for span in recorded.span("work")["children"] if span["status"][0] == "ERROR"]
    assert failed["status"] == ("ERROR", "no such column: colour")


def test_sqlalchemy_counts_the_connections_of_its_pool() -> None:
    usage = equal_on_both("sqlalchemy_database").metrics["db.client.connections.usage"]
    assert (usage["kind"], usage["unit"], usage["monotonic"]) == ("sum", "connections", False)
    assert {point["attributes"]["state"]: point["value"] for point in usage["points"]} == {"idle": 0, "used": 0}


def test_redis_has_a_span_for_each_command_and_pipeline(redis_ports: dict[str, str]) -> None:
    recorded = equal_on_both("redis_client", arguments=redis_ports)
    assert recorded.facts["found"] == ["7", 8, True, "blue"]
    assert recorded.facts["raised"].startswith("WRONGTYPE")
    assert statements(recorded) == {
        "SET ? ?": "UNSET",
        "GET ?": "UNSET",
        "INCRBY ? ?\nEXPIRE ? ?": "UNSET",
        "LPUSH ? ?": "ERROR",
    }
    assert statements(recorded, "async work") == {"SET ? ?": "UNSET", "GET ?": "UNSET"}
    failed = recorded.span("LPUSH", "CLIENT")
    assert failed["events"][0]["attributes"]["exception.message"] == recorded.facts["raised"]
    assert failed["attributes"]["db.system"] == "redis"
