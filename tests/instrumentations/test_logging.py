"""logging: ids on records, and the package's own handler."""

from __future__ import annotations

from tests.instrumentations.comparison import equal_on_both


def test_records_name_the_current_span_and_the_service() -> None:
    recorded = equal_on_both("log_records")
    assert recorded.facts["lines"] == [
        "WARNING outside of spans trace=0 span=0 False under-test no hook",
        "INFO inside trace=TRACE span=work True under-test work hook",
        "ERROR it failed trace=TRACE span=work True under-test work hook",
        "no longer instrumented",
    ]


def test_the_handler_of_the_package_hands_records_to_the_logger_provider() -> None:
    logs = {log["body"]: log for log in equal_on_both("log_records").logs}
    assert {body: (log["severity"], log["span"], log["scope"]["name"]) for body, log in logs.items()} == {
        "outside of spans": ((13, "WARN"), None, "shop"),
        "inside": ((9, "INFO"), "work", "shop"),
        "it failed": ((17, "ERROR"), "work", "shop"),
    }
    assert logs["inside"]["attributes"]["number"] == 7
    assert logs["inside"]["attributes"]["otelSpanID"] == "work"
    assert logs["it failed"]["attributes"]["exception.type"] == "KeyError"
    assert logs["it failed"]["attributes"]["code.function.name"] == "run"
    assert logs["it failed"]["attributes"]["exception.stacktrace"][-1] == "KeyError: 'order'"
