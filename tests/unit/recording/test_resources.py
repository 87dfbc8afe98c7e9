"""The resource of a process and of its forked children."""

from __future__ import annotations

import os

from opentelemetry.sdk.resources import Resource

from heliograph.recording.resources import adopted, created, forked
from tests.support.interpreter import run_script


def test_each_resource_has_an_id_of_its_own():
    first, second = created({"service.name": "a"}), created({"service.name": "a"})
    assert first.attributes["service.instance.id"] != second.attributes["service.instance.id"]


def test_a_value_of_none_is_left_out():
    assert "service.version" not in created({"service.version": None}).attributes


def test_a_child_is_another_instance_of_the_same_service():
    parent = created({"service.name": "a", "team": "b"})
    child = forked(parent)
    assert child.attributes["service.instance.id"] != parent.attributes["service.instance.id"]
    rest = {key: value for key, value in parent.attributes.items() if key != "service.instance.id"}
    assert {key: child.attributes[key] for key in rest} == rest


def test_all_providers_of_one_child_agree_on_its_id():
    parent = created({})
    assert forked(parent).attributes == forked(parent).attributes


def test_a_grandchild_is_another_instance_again():
    parent = created({})
    child = forked(parent)
    assert forked(child).attributes["service.instance.id"] != child.attributes["service.instance.id"]


def test_an_id_that_somebody_chose_stays():
    chosen = created({"service.instance.id": "mine"})
    assert forked(chosen).attributes["service.instance.id"] == "mine"
    assert forked(adopted(Resource({"service.instance.id": "mine"}))).attributes["service.instance.id"] == "mine"


def test_an_id_from_the_environment_stays():
    run_script(
        """
        from heliograph.recording.resources import created, forked
        resource = created({"service.name": "a"})
        assert resource.attributes["service.instance.id"] == "mine", resource.attributes
        assert forked(resource).attributes["service.instance.id"] == "mine"
        """,
        environ={"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=mine"},
    )


def test_the_id_that_the_sdk_made_is_replaced_in_a_child():
    parent = adopted(None)
    assert forked(parent).attributes["service.instance.id"] != parent.attributes["service.instance.id"]


def test_a_process_id_is_that_of_the_child():
    assert forked(Resource({"process.pid": 1})).attributes["process.pid"] == os.getpid()
