"""What is remembered of a key: few values whole, many values not at all."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from heliograph.otlp import wire
from heliograph.otlp.memory import KeyMemory, remember
from heliograph.otlp.values import ValueEncoder
from tests.support.otlp_oracle import plain_value

_FIELD = wire.tag(1, wire.BYTES)
_MANY = 300  # more than are remembered of one key


def _memory() -> KeyMemory:
    return KeyMemory(b"\x01k", _FIELD)


def test_few_values_of_a_key_are_remembered() -> None:
    memory = _memory()
    assert all(memory.learn(f"value {number}", b"field") for number in range(100))
    assert (memory.kind, len(memory.known)) == (str, 100)


@pytest.mark.parametrize("make", [str, int])
def test_a_key_with_many_values_forgets_them_and_learns_no_more(make: type[Any]) -> None:
    memory = _memory()
    for number in range(_MANY):
        memory.learn(make(number), b"field")
    assert (memory.kind, memory.known, memory.is_learning) == (None, {}, False)
    assert not memory.learn(make(1), b"field")


def test_values_of_a_second_type_are_not_remembered_beside_the_first() -> None:
    memory = _memory()
    assert memory.learn(1, b"int")
    assert not memory.learn(True, b"bool")
    assert memory.known == {1: b"int"}


@pytest.mark.parametrize("value", [2.5, b"bytes", (1, 2), None])
def test_values_of_other_types_are_not_remembered(value: Any) -> None:
    assert not _memory().learn(value, b"field")


def test_a_long_field_is_not_remembered() -> None:
    assert not _memory().learn("text", b"x" * 1_000)


@pytest.mark.parametrize("value", ["", "id 1", "é", "é" * 200, "\ud800", "x" * 300, 7, 2**40, -1, 2**70, True, 2.5, None, [1]])
@pytest.mark.parametrize("make", [str, int])
def test_a_key_that_had_many_values_writes_any_other_as_a_new_encoder_does(make: type[Any], value: Any) -> None:
    experienced = ValueEncoder()
    for number in range(_MANY):
        experienced.attributes({"key": make(number)}, _FIELD)
    expected = b"".join(ValueEncoder().attributes({"key": value}, _FIELD))
    for _ in range(2):
        assert b"".join(experienced.attributes({"key": value}, _FIELD)) == expected


def test_many_values_all_read_back() -> None:
    encoder = ValueEncoder()
    for number in range(_MANY):
        body = b"".join(
            encoder.attributes({"id": f"é{number}" if number % 7 == 0 else f"{number}", "size": number**3}, _FIELD)
        )
        read = {attribute.key: plain_value(attribute.value) for attribute in Resource.FromString(body).attributes}
        assert read == {"id": f"é{number}" if number % 7 == 0 else f"{number}", "size": number**3}


def test_a_cache_starts_anew_when_it_is_full() -> None:
    cache: dict[int, int] = {}
    for number in range(5_000):
        remember(cache, number, number)
    assert len(cache) <= 4_096
    assert cache[4_999] == 4_999
