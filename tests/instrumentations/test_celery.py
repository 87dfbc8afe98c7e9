"""Celery, with a real worker."""

from __future__ import annotations

from tests.instrumentations.comparison import equal_on_both


def test_a_task_runs_below_the_span_that_sent_it() -> None:
    recorded = equal_on_both("celery_worker")
    assert recorded.facts["answers"] == ["7", "1", "no such order"]
    assert recorded.outline() == [
        "work INTERNAL",
        "  apply_async/add PRODUCER",
        "    run/add CONSUMER",
        "      look up INTERNAL",
        "  apply_async/fail PRODUCER",
        "    run/fail CONSUMER ERROR",
        "  apply_async/retry_once PRODUCER",
        "    run/retry_once CONSUMER",
        "      apply_async/retry_once PRODUCER",
        "        run/retry_once CONSUMER",
    ]


def test_a_task_says_its_name_and_how_it_ended() -> None:
    recorded = equal_on_both("celery_worker")
    assert recorded.attributes("run/add")["celery.state"] == "SUCCESS"
    assert recorded.attributes("run/add")["celery.task_name"] == "add"
    assert recorded.attributes("run/retry_once")["celery.state"] == "RETRY"
    failed = recorded.span("run/fail")
    assert failed["attributes"]["celery.state"] == "FAILURE"
    assert failed["events"][0]["attributes"]["exception.type"] == "LookupError"


def test_the_time_that_tasks_take_is_measured() -> None:
    runtimes = equal_on_both("celery_worker").metrics["flower.task.runtime.seconds"]
    counts = {point["attributes"]["task"]: point["count"] for point in runtimes["points"]}
    assert counts == {"add": 1, "fail": 1, "retry_once": 2}


def test_a_task_can_link_to_the_span_that_sent_it_instead() -> None:
    recorded = equal_on_both("celery_linked")
    assert recorded.outline() == ["run/add CONSUMER", "  look up INTERNAL", "work INTERNAL", "  apply_async/add PRODUCER"]
    (link,) = recorded.span("run/add")["links"]
    assert link["to"] == "apply_async/add"
