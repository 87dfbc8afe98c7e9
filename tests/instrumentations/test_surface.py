"""What instrumentation packages ask of spans and providers, asked directly."""

from __future__ import annotations

from tests.instrumentations.comparison import equal_on_both


def test_an_open_span_answers_what_packages_ask() -> None:
    answers = dict(equal_on_both("surface").facts["open"])
    expected = {
        "name: redis": "asked",
        "attributes.get: hooks of users": ["GET", None],
        "attributes as a mapping: hooks of users": {"http.method": "GET"},
        "resource: hooks of users": "under-test",
        "instrumentation_scope: processors of users": "app",
        "parent: processors of users": None,
        "start_time, end_time: hooks of users": [True, None],
        "status, events, links: hooks of users": ["UNSET", 0, 0],
    }
    assert {question: answers.pop(question) for question in expected} == expected
    assert len(answers) >= 9
    assert all(answer is True for answer in answers.values()), answers


def test_an_ended_span_still_answers_and_takes_nothing_more() -> None:
    assert equal_on_both("surface").facts["ended"] == {
        "is_recording: all": False,
        "kind: wsgi, after the answer": "SERVER",
        "attributes.get: hooks of users": "GET",
        "end_time: hooks of users": True,
        "set_attribute does nothing: asgi": None,
    }


def test_the_current_span_is_the_very_object_in_opentelemetrys_own_context() -> None:
    assert equal_on_both("surface").facts["context"] == {"is current": True, "by set_span_in_context": True, "none": True}


def test_providers_pass_for_those_of_the_sdk() -> None:
    facts = equal_on_both("surface").facts
    for noun, answers in facts["providers"].items():
        assert answers.pop("resource.attributes.get: logging") == "under-test", noun
        assert all(answer is True for answer in answers.values()), (noun, answers)
    assert set(facts["makers"].values()) == {True}
