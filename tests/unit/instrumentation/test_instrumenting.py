"""``telemetry.instrument()``: what it is given, what it finds, what it takes off again."""

from __future__ import annotations

import contextlib
import gc
import logging
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import flask
import httpx
import pytest
import redis
import sqlalchemy
from opentelemetry.instrumentation import propagators

from heliograph import TelemetryManager
from tests.instrumentations.servers import website
from tests.support.interpreter import run_script
from tests.support.recorded import QUIET, RECORDERS, delivered, span_names


@pytest.fixture(params=RECORDERS)
def telemetry(start: Callable[..., TelemetryManager], request: pytest.FixtureRequest) -> Iterator[TelemetryManager]:
    started = start(**QUIET, recorder=request.param)
    yield started
    started.uninstrument()


@pytest.fixture
def new_engine() -> Iterator[Callable[[], sqlalchemy.Engine]]:
    """Makes engines; what they hold is closed after the test."""
    made: list[sqlalchemy.Engine] = []

    def make() -> sqlalchemy.Engine:
        made.append(sqlalchemy.create_engine("sqlite://"))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


def select() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.cursor().execute("select 1")


def test_what_is_asked_for_is_instrumented_and_nothing_else(telemetry: TelemetryManager) -> None:
    assert telemetry.instrument(sqlite3=True) == ("sqlite3",)
    select()
    with website() as site, httpx.Client() as client:
        client.get(f"{site.url}/ok")
    assert span_names(telemetry) == ["select"]


def test_everything_that_is_installed_is_found(telemetry: TelemetryManager) -> None:
    found = telemetry.instrument()
    assert {"celery", "django", "fastapi", "flask", "grpc", "httpx", "logging", "redis", "requests", "sqlalchemy"} <= set(
        found
    )
    assert not {"system_metrics", "grpc_client", "httpx2"} & set(found)
    select()
    with website() as site, httpx.Client() as client:
        client.get(f"{site.url}/ok")
    assert span_names(telemetry) == ["select", "GET"]


@pytest.mark.parametrize("out", [{"exclude": ["sqlite3"]}, {"sqlite3": False}, {"exclude": ("sqlite3", "no_such_library")}])
def test_a_library_can_be_left_out(telemetry: TelemetryManager, out: Any) -> None:
    assert "sqlite3" not in telemetry.instrument(**out)
    select()
    assert span_names(telemetry) == []


def test_the_variable_of_opentelemetry_leaves_libraries_out() -> None:
    out, _err = run_script(
        """
        from heliograph import TelemetryManager
        print(TelemetryManager.start(**QUIET).instrument())
        """,
        environ={"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask , httpx,grpc_client"},
    )
    assert "'flask'" not in out
    assert "'httpx'" not in out
    assert "'grpc'" in out


def test_a_second_time_nothing_happens(telemetry: TelemetryManager) -> None:
    assert telemetry.instrument(sqlite3=True) == telemetry.instrument(sqlite3=True) == ("sqlite3",)
    telemetry.instrument()
    telemetry.instrument()
    select()
    assert span_names(telemetry) == ["select"]


def test_it_can_be_taken_off_and_put_on_again(telemetry: TelemetryManager) -> None:
    for _time in range(2):
        telemetry.instrument()
        telemetry.uninstrument()
        select()
    assert span_names(telemetry) == []
    assert propagators.get_global_response_propagator() is None
    telemetry.instrument(sqlite3=True)
    select()
    assert span_names(telemetry) == ["select"]


@pytest.mark.parametrize("asked", [{"flaks": True}, {"exclude": ["sqlalchmy"]}, {"nothing_like_it": True}])
def test_a_name_that_is_none_is_refused_with_the_one_that_was_meant(telemetry: TelemetryManager, asked: Any) -> None:
    with pytest.raises(ValueError, match=r"did you mean 'flask'\?|did you mean 'sqlalchemy'\?|there are: .*fastapi, flask"):
        telemetry.instrument(**asked)


def test_what_heliograph_does_itself_is_not_asked_for(telemetry: TelemetryManager) -> None:
    with pytest.raises(ValueError, match="the section `system` of the settings"):
        telemetry.instrument(system_metrics=True)


@pytest.mark.parametrize(
    "asked", [{"requests": "yes"}, {"flask": "app"}, {"httpx": 1}, {"celery": object()}, {"exclude": "flask"}]
)
def test_a_target_of_another_kind_is_refused(telemetry: TelemetryManager, asked: Any) -> None:
    with pytest.raises(TypeError, match="expected"):
        telemetry.instrument(**asked)


def test_a_package_that_is_missing_is_named_with_the_extra() -> None:
    out, _err = run_script(
        """
        import importlib.metadata as metadata
        from heliograph import TelemetryManager
        telemetry = TelemetryManager.start(**QUIET)
        real = metadata.entry_points
        metadata.entry_points = lambda **asked: [each for each in real(**asked) if each.name != "flask"]
        for name in ("flask", "httpx2"):
            try:
                telemetry.instrument(**{name: True})
            except ImportError as error:
                print(error)
        assert "flask" not in telemetry.instrument()
        """
    )
    assert out.splitlines() == [
        "instrument(flask=...) needs opentelemetry-instrumentation-flask, which is not installed; install heliograph[flask]",
        "instrument(httpx2=...): httpx2 is not installed; install the library httpx2",
    ]


def test_a_library_in_a_version_that_does_not_fit_is_said_at_info_and_left_alone() -> None:
    out, _err = run_script(
        """
        import logging, sys
        import opentelemetry.instrumentation.dependencies as dependencies
        logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(name)s %(message)s")
        real = dependencies.version
        dependencies.version = lambda name: "0.1" if name == "flask" else real(name)
        from heliograph import TelemetryManager
        telemetry = TelemetryManager.start(**QUIET)
        assert "flask" not in telemetry.instrument(logging=False)
        try:
            telemetry.instrument(flask=True)
        except ImportError as error:
            print(error)
        """
    )
    said, refused = [line for line in out.splitlines() if "flask" in line]
    assert said.startswith("INFO heliograph.instrumentation flask is not instrumented: ")
    assert 'installed version ("flask 0.1") falls outside' in refused
    assert refused.endswith("; install such a version, or leave flask out")


def test_a_library_is_not_imported_for_being_instrumented() -> None:
    out, _err = run_script(
        """
        import sys
        from heliograph import TelemetryManager
        telemetry = TelemetryManager.start(**QUIET, tracing={"exporters": ["memory"]})
        telemetry.instrument()
        print([name for name in ("celery", "django", "fastapi", "flask", "redis", "sqlalchemy") if name in sys.modules])
        import sqlalchemy
        with sqlalchemy.create_engine("sqlite://").connect() as connection:
            connection.execute(sqlalchemy.text("select 1"))
        telemetry.force_flush()
        print("sqlalchemy" in {span.instrumentation_scope.name.split(".")[-1]
                               for span in telemetry.exporter("traces", "memory").items()})
        """
    )
    assert out.splitlines() == ["[]", "True"]


def test_one_engine_is_instrumented_and_others_are_not(
    telemetry: TelemetryManager, new_engine: Callable[[], sqlalchemy.Engine]
) -> None:
    engine, other = new_engine(), new_engine()
    telemetry.instrument(sqlalchemy=engine)
    telemetry.instrument(sqlalchemy=[engine])
    for each in (engine, other):
        with each.connect() as connection:
            connection.execute(sqlalchemy.text("select 1"))
    assert span_names(telemetry) == ["select"]
    telemetry.uninstrument()
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("select 1"))
    assert span_names(telemetry) == ["select"]


def test_one_client_is_instrumented_and_others_are_not(telemetry: TelemetryManager) -> None:
    with website() as site, httpx.Client() as client, httpx.Client() as other:
        telemetry.instrument(httpx=client)
        telemetry.instrument(httpx=client)
        for each in (client, other):
            each.get(f"{site.url}/ok")
        assert span_names(telemetry) == ["GET"]
        telemetry.instrument(httpx=True)
        for each in (client, other):
            each.get(f"{site.url}/ok")
        assert span_names(telemetry) == ["GET"] * 3


def test_a_client_of_redis_is_instrumented_once(telemetry: TelemetryManager) -> None:
    client = redis.Redis(port=1, retry=None)
    telemetry.instrument(redis=client)
    telemetry.instrument(redis=True)
    with pytest.raises(redis.ConnectionError):
        client.get("x")
    assert span_names(telemetry) == ["GET"]
    client.close()


def test_an_application_that_nobody_else_holds_is_let_go(telemetry: TelemetryManager) -> None:
    application = flask.Flask("shop")
    telemetry.instrument(flask=application)
    gone = weakref.ref(application)
    del application
    gc.collect()
    assert gone() is None


def test_a_manager_that_starts_later_gets_what_was_instrumented_before(
    start: Callable[..., TelemetryManager], new_engine: Callable[[], sqlalchemy.Engine]
) -> None:
    first = start(**QUIET)
    engine = new_engine()
    first.instrument(sqlite3=True)
    first.instrument(sqlalchemy=engine)
    first.shutdown()
    second = start(**QUIET)
    try:
        select()
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("select 2"))
        assert set(span_names(second)) == {"PRAGMA", "select"}  # the first by sqlalchemy, when it connects
        assert {span.instrumentation_scope.name.split(".")[-1] for span in delivered(second, "traces")} == {
            "sqlite3",
            "sqlalchemy",
        }
    finally:
        second.uninstrument()


def test_a_manager_that_is_disabled_instruments_nothing(start: Callable[..., TelemetryManager]) -> None:
    telemetry, before = start(**QUIET, enabled=False), logging.Logger.callHandlers
    assert telemetry.instrument() == ()
    assert telemetry.instrument(sqlite3=True) == ()
    assert logging.Logger.callHandlers is before


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"flask": None}, r"flask.app.Flask"),  # a variable that is None by mistake
        ({"fastapi": object()}, r"fastapi.applications.FastAPI"),
        ({"fastapi": flask.Flask("shop")}, r"<Flask 'shop'>, expected True, False or the application itself"),
        ({"starlette": flask.Flask}, r"starlette.applications.Starlette; put .*TelemetryMiddleware around any other"),
        ({"flask": flask.Blueprint("shop", "shop")}, r"flask.app.Flask"),
        ({"httpx": httpx}, r"httpx.Client or httpx.AsyncClient; True instruments every client"),
        ({"redis": "redis://localhost"}, r"redis.client.Redis or"),
        ({"sqlalchemy": sqlalchemy}, r"the engine itself, of class sqlalchemy.engine.base.Engine or"),
        ({"exclude": None}, r"a list or tuple of names"),
        ({"exclude": [object()]}, r"a list or tuple of names"),
        ({"probes": "/up"}, r"a list or tuple of paths"),
        ({"probes": 7}, r"a list or tuple of paths"),
    ],
)
def test_the_error_says_what_was_given_and_what_was_expected(telemetry: TelemetryManager, asked: Any, expected: str) -> None:
    with pytest.raises(TypeError, match=rf"given .*expected .*{expected}|given {expected}"):
        telemetry.instrument(**asked)


def test_an_error_leaves_everything_as_it_was(telemetry: TelemetryManager) -> None:
    shop = flask.Flask("shop")
    with pytest.raises(TypeError, match="expected"):
        telemetry.instrument(sqlite3=True, flask=[shop, "app"])
    select()
    shop.test_client().get("/orders/7")
    assert span_names(telemetry) == []
