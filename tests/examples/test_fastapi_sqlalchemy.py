"""examples/fastapi_sqlalchemy, served by uvicorn."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.examples.received import logs, named, outline, trace_ids
from tests.examples.workspace import Running, Workspace
from tests.support.otlp_receiver import OtlpReceiver, http_receiver
from tests.support.processes import get
from tests.support.scrapes import scrape
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

_INSTALL = 'pip install "../..[fastapi,sqlalchemy]" fastapi "sqlalchemy<2.1"'
_ON_CONSOLE = "HELIOGRAPH_TRACING__EXPORTERS=console HELIOGRAPH_LOGS__EXPORTERS=console uvicorn shop:app --port 8000"
_RUN = "uvicorn shop:app --port 8000"
_LAMPS = """curl -H 'content-type: application/json' -d '{"product": "lamp", "quantity": 2}' http://127.0.0.1:8000/orders"""
_TABLES = """curl -H 'content-type: application/json' -d '{"product": "table", "quantity": 20}' http://127.0.0.1:8000/orders"""
_LOOK = "curl --include http://127.0.0.1:8000/orders/1"
_METRICS = "curl http://127.0.0.1:8000/telemetry/metrics"
_HEALTH = "curl http://127.0.0.1:8000/telemetry/health/ready"

_REFUSED = "2400.00 EUR is more than the credit of 1000.00 EUR"
_TRACES = [
    "shop: create tables INTERNAL",
    "  shop: PRAGMA shop.db CLIENT",
    "  shop: PRAGMA shop.db CLIENT",
    "  shop: CREATE shop.db CLIENT",
    "shop: POST /orders SERVER",
    "  shop: charge INTERNAL",
    "  shop: INSERT shop.db CLIENT",
    "shop: POST /orders SERVER",
    "  shop: charge INTERNAL ERROR",
    "shop: GET /orders/{order_id} SERVER",
    "  shop: SELECT shop.db CLIENT",
]


@contextmanager
def _shop(folder: Path, receiver: OtlpReceiver, command: str) -> Iterator[tuple[Workspace, Running]]:
    shop = Workspace("fastapi_sqlalchemy", folder, 8000, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
    with shop.running(command) as server:
        server.until(lambda: get(shop.here("http://127.0.0.1:8000/telemetry/health/live"))[0] == 200)
        yield shop, server


def test_the_readme_names_the_commands_that_are_run_here(tmp_path: Path) -> None:
    shop = Workspace("fastapi_sqlalchemy", tmp_path)
    assert shop.commands == [_INSTALL, _ON_CONSOLE, _RUN, _LAMPS, _TABLES, _LOOK, _METRICS, _HEALTH]
    ended = shop.install(_INSTALL)
    assert (ended.code, ended.err) == (0, "")
    assert "Would install heliograph" in ended.out


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_orders_are_traced_counted_and_logged_and_nothing_is_lost_at_the_end(tmp_path: Path, how: signal.Signals) -> None:
    with http_receiver() as receiver, _shop(tmp_path, receiver, _RUN) as (shop, server):
        assert json.loads(shop.run(_LAMPS).out) == {"id": 1}
        assert json.loads(shop.run(_TABLES).out) == {"detail": _REFUSED}
        headers, _blank, body = shop.run(_LOOK).out.partition("\n\n")
        assert json.loads(body) == {"id": 1, "product": "lamp", "quantity": 2}
        checks = json.loads(shop.run(_HEALTH).out)["checks"]
        assert checks["database"]["status"] == "healthy"
        assert 'shop_items_sold_total{product="lamp"} 2' in shop.run(_METRICS).out
        found = scrape(shop.here("http://127.0.0.1:8000/telemetry"))
        ended = server.end(how)

        assert ended.code in {0, -how}  # by the signal: uvicorn raises it once more when it is done
        assert outline(receiver) == _TRACES
        assert named(receiver, "charge") == [{"shop.amount_eur": 50.0}, {"shop.amount_eur": 2400.0}]
        assert logs(receiver, "shop") == [
            ("INFO", "order 1 taken", "POST /orders"),
            ("WARN", f"order refused: {_REFUSED}", "POST /orders"),
        ]
        ids = trace_ids(receiver)
    assert f"traceresponse: 00-{ids[3]}-" in headers
    assert f"INFO shop: order 1 taken trace={ids[1]}\n" in ended.err
    assert f"WARNING shop: order refused: {_REFUSED} trace={ids[2]}\n" in ended.err
    assert found.values["shop_items_sold_total", "product=lamp"] == 2
    assert found.total("shop_items_sold_total") == 2
    assert [found.values["shop_order_value_bucket", f"le={bound}"] for bound in ("10.0", "50.0", "+Inf")] == [0, 1, 1]
    assert found.values["shop_order_value_sum",] == 50
    assert found.total("http_server_request_duration_seconds_count") == 3
    assert found.total("heliograph_items_dropped_total") == 0
    assert _unusual(ended.err) == []


def test_a_database_that_is_away_takes_the_shop_out(tmp_path: Path) -> None:
    with http_receiver() as receiver:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "HELIOGRAPH_HEALTH__CHECK_INTERVAL": "500ms"}
        shop = Workspace("fastapi_sqlalchemy", tmp_path, 8000, environ=environ)
        with shop.running(_RUN) as server:
            url = shop.here("http://127.0.0.1:8000/telemetry/health")
            server.until(lambda: get(f"{url}/live")[0] == 200)
            assert get(f"{url}/ready")[0] == 200
            (shop.folder / "shop.db").write_bytes(b"no database" * 1000)
            until(lambda: get(f"{url}/ready")[0] == 503, timeout_s=15)
            assert get(f"{url}/live")[0] == 200


def test_without_a_collector_everything_is_on_the_console(tmp_path: Path) -> None:
    with http_receiver() as receiver, _shop(tmp_path, receiver, _ON_CONSOLE) as (shop, server):
        shop.run(_LAMPS)
        ended = server.end(signal.SIGINT)
        assert receiver.attempts == 0
    assert [name for name in ("POST /orders", "charge", "INSERT shop.db", "order 1 taken") if name not in ended.out] == []


def _unusual(text: str) -> list[str]:
    """The lines that neither uvicorn nor the shop's own log writes on a good day."""
    return [line for line in text.splitlines() if line and not line.startswith("INFO:") and "order" not in line]
