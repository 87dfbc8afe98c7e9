"""Values and attributes: whatever a user recorded becomes bytes, and what is remembered never changes what is written."""

from __future__ import annotations

import gc
import re
import tracemalloc
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common._internal import _encode_attributes, _encode_value
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from heliograph.otlp import wire
from heliograph.otlp.values import DEEPEST, LONGEST_TEXT, WIDEST, ValueEncoder
from tests.support.hostile import (
    BEYOND_REPAIR,
    HOSTILE,
    ODD_BUT_SOUND,
    Colour,
    HostileError,
    PretendsToBe,
    RaisingMapping,
    nested,
)
from tests.support.otlp_oracle import ATTRIBUTES, KEYS, VALUES, assert_same, fields_of, plain_value, without_empty_attributes

_FIELD = wire.tag(1, wire.BYTES)  # Resource.attributes
_TWINS = (True, 1, 1.0, False, 0, 0.0, -0.0, "1", "0", b"1", None)


def _written(attributes: Any, encoder: ValueEncoder | None = None) -> bytes:
    return b"".join((encoder or ValueEncoder()).attributes(attributes, _FIELD))


def _read(attributes: Any, encoder: ValueEncoder | None = None) -> dict[str, Any]:
    message = Resource.FromString(_written(attributes, encoder))
    return {attribute.key: plain_value(attribute.value) for attribute in message.attributes}


def _read_value(value: Any, encoder: ValueEncoder | None = None) -> Any:
    return plain_value(AnyValue.FromString((encoder or ValueEncoder()).any_value(value)))


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_every_value_that_can_be_recorded_is_written_as_the_official_encoder_writes_it(value: Any) -> None:
    encoder = ValueEncoder()
    assert_same(AnyValue.FromString(encoder.any_value(value)), _encode_value(value))
    assert encoder.repaired == 0


@given(ATTRIBUTES)
@settings(max_examples=150, deadline=None)
def test_attributes_are_written_as_the_official_encoder_writes_them(attributes: Mapping[str, Any] | None) -> None:
    encoder = ValueEncoder()
    official = without_empty_attributes(Resource(attributes=_encode_attributes(attributes)))
    for _ in range(3):  # first as something new, then as something remembered
        assert_same(Resource.FromString(_written(attributes, encoder)), official)
    assert encoder.repaired == 0


@given(st.lists(st.tuples(KEYS, st.one_of(st.sampled_from(_TWINS), VALUES)), max_size=20))
@settings(max_examples=200, deadline=None)
def test_what_an_encoder_has_seen_never_changes_what_it_writes(pairs: list[tuple[str, Any]]) -> None:
    experienced = ValueEncoder()
    for key, value in pairs:
        assert _written({key: value}, experienced) == _written({key: value})


@pytest.mark.parametrize("second", _TWINS)
@pytest.mark.parametrize("first", _TWINS)
def test_equal_values_of_different_types_are_never_mixed_up(first: Any, second: Any) -> None:
    encoder = ValueEncoder()
    for value in (first, second, first, second):
        read = _read({"key": value}, encoder).get("key")
        assert (type(read), repr(read)) == (type(value), repr(value))


def test_the_same_key_in_different_fields_keeps_each_field() -> None:
    encoder = ValueEncoder()
    tags = [wire.tag(1, wire.BYTES), wire.tag(9, wire.BYTES)]
    for tag in tags * 2:
        for value in ("text", 1, 2.5):
            assert b"".join(encoder.attributes({"key": value}, tag)).startswith(tag)


@given(st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_a_lone_surrogate_becomes_the_replacement_character_and_all_else_stays(text: str) -> None:
    surrogate = "[\ud800-\udfff]"
    read = _read_value(text)
    assert re.sub("\ufffd", "", re.sub(surrogate, "", read)) == re.sub("[\ufffd]", "", re.sub(surrogate, "", text))
    if not re.search("[\ud800-\udbff][\udc00-\udfff]", text):
        assert read == re.sub(surrogate, "\ufffd", text)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (2**63, "9223372036854775808"),
        (-(2**63) - 1, "-9223372036854775809"),
        (10**400, str(10**400)),
        ("x" * (LONGEST_TEXT + 1), "x" * LONGEST_TEXT),
        (b"x" * (LONGEST_TEXT + 1), b"x" * LONGEST_TEXT),
        ([7] * (WIDEST + 1), [7] * WIDEST),
        ("a\ud800b", "a\ufffdb"),
        (1 + 2j, "(1+2j)"),
        ({1: "one", None: 2}, {"1": "one", "None": 2}),
        (range(3), [0, 1, 2]),
        (frozenset({1}), [1]),
        (bytearray(b"x"), b"x"),
        (memoryview(b"x"), b"x"),
        (Colour.RED, "red"),
    ],
    ids=lambda value: f"{type(value).__name__} {id(value)}",
)
def test_what_cannot_be_carried_is_written_as_what_comes_nearest(value: Any, read: Any) -> None:
    assert _read_value(value) == read
    assert _read({"key": value}) == {"key": read}


def test_nesting_is_cut_at_the_limit_and_not_before() -> None:
    encoder = ValueEncoder()
    assert _read_value(nested(DEEPEST), encoder) == nested(DEEPEST)
    assert encoder.repaired == 0
    assert "<nested too deeply>" in repr(_read_value(nested(DEEPEST + 1), encoder))
    assert encoder.repaired == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_never_costs_the_attributes_beside_it(name: str) -> None:
    encoder = ValueEncoder()
    read = _read({"before": 1, "hostile": HOSTILE[name](), "after": "two"}, encoder)
    assert (read.get("before"), read.get("after")) == (1, "two")
    assert "hostile" in read or encoder.repaired


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_can_be_nested_in_anything(name: str) -> None:
    value = [HOSTILE[name](), {"key": HOSTILE[name]()}]
    assert _read({"before": 1, "nested": value, "after": 2}).keys() == {"before", "nested", "after"}
    assert fields_of([ValueEncoder().any_value(value)], AnyValue).WhichOneof("value")


@pytest.mark.parametrize("name", BEYOND_REPAIR)
def test_what_could_not_be_carried_is_counted_each_time(name: str) -> None:
    encoder = ValueEncoder()
    value, before = BEYOND_REPAIR[name](), 0
    for _ in range(3):
        _written({"key": value}, encoder)
        assert encoder.repaired > before
        before = encoder.repaired


@pytest.mark.parametrize("name", ODD_BUT_SOUND)
def test_what_could_be_carried_is_not_counted(name: str) -> None:
    encoder = ValueEncoder()
    _written({"key": ODD_BUT_SOUND[name]()}, encoder)
    assert encoder.repaired == 0


@pytest.mark.parametrize("value", ["\ud800", 2**63, "x" * (LONGEST_TEXT + 1), object(), nested(DEEPEST + 1)])
def test_one_value_that_was_repaired_counts_one(value: Any) -> None:
    encoder = ValueEncoder()
    _written({"key": value}, encoder)
    assert encoder.repaired == 1


class _Nth(str):
    """A key that is a str of another class, as members of enumerations are."""

    __slots__ = ()

    def __str__(self) -> str:
        return "shown"


def test_a_key_of_a_class_derived_from_str_is_written_as_its_own_text() -> None:
    encoder = ValueEncoder()
    assert _read({Colour.RED: 1, _Nth("second"): 2}, encoder) == {"red": 1, "second": 2}
    assert encoder.repaired == 0


@pytest.mark.parametrize("value", ["text", 1, True, 2.5])
def test_a_key_of_a_class_derived_from_str_never_changes_how_its_twin_is_written(value: Any) -> None:
    encoder = ValueEncoder()
    _written({"red": object()}, encoder)
    _written({Colour.RED: value}, encoder)
    assert _read({"red": value}, encoder) == {"red": value}


def test_a_key_that_claims_to_be_another_is_written_as_itself() -> None:
    class Liar(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            return True

    class Fixed(Liar):
        __slots__ = ()

        def __hash__(self) -> int:
            return hash("honest")

    encoder = ValueEncoder()
    _written({"honest": 1}, encoder)
    assert _read({Fixed("liar"): 2}, encoder) == {"liar": 2}
    assert _read({"honest": 2}, encoder) == {"honest": 2}


@pytest.mark.parametrize("key", [None, 1, 1.5, True, b"k", (1, 2), "\ud800", "k" * 2**20, "", object(), frozenset()])
def test_any_key_leaves_its_siblings_and_its_value(key: Any) -> None:
    read = _read({"before": 1, key: "value", "after": 2})
    assert (read.pop("before"), read.pop("after")) == (1, 2)
    assert list(read.values()) == ["value"]


@pytest.mark.parametrize("pretended", [str, int, bool, float, bytes, list, dict, type(None)])
def test_a_value_that_pretends_to_be_of_another_class_never_breaks_the_bytes(pretended: type) -> None:
    encoder = ValueEncoder()
    for known in ("text", 1, True, 2.5, PretendsToBe(pretended), PretendsToBe(pretended)):
        assert _read({"before": 1, "key": known, "after": 2}, encoder).keys() >= {"before", "after"}


class _BreaksHalfway(RaisingMapping):
    def items(self) -> Any:
        yield "first", 1
        yield "second", 2.5
        raise HostileError


def test_a_mapping_that_breaks_halfway_keeps_what_it_gave() -> None:
    encoder = ValueEncoder()
    assert _read(_BreaksHalfway(), encoder) == {"first": 1, "second": 2.5}
    assert encoder.repaired == 1


class _TooMuchError(BaseException):
    """Not an Exception: it ends the encoding at once."""


class _Counted(list[Any]):
    """Lists that count together how often one of their items was looked at."""

    def __init__(self, looks: list[int]) -> None:
        super().__init__()
        self._looks = looks

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            self._looks[0] += 1
            if self._looks[0] > 200_000:
                raise _TooMuchError
            yield item


def test_a_wide_list_that_holds_itself_often_is_not_unfolded_without_end() -> None:
    looks = [0]
    value = _Counted(looks)
    value.extend([value] * 10)  # ten to the power of the depth, if nobody stops it
    encoded = ValueEncoder().any_value(value)
    assert fields_of([encoded], AnyValue).WhichOneof("value") == "array_value"


def test_one_text_many_times_in_one_value_never_makes_a_request_of_many_megabytes() -> None:
    encoder = ValueEncoder()
    encoded = encoder.any_value(["x" * LONGEST_TEXT] * 300)  # 38 MB; WIDEST of them would be 1.3 GB
    assert len(encoded) < 16 * 2**20
    assert encoder.repaired


def _grown_bytes(encoder: ValueEncoder, flood: Iterator[Mapping[str, Any]]) -> int:
    """How much more memory is in use after ``flood``."""
    gc.collect()
    tracemalloc.start()
    try:
        for attributes in flood:
            encoder.attributes(attributes, _FIELD)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_one_key_with_many_values_does_not_grow() -> None:
    flood = ({"key": f"value {number}" if number % 2 else number} for number in range(20_000))
    assert _grown_bytes(ValueEncoder(), flood) < 500_000


def test_many_keys_do_not_grow_beyond_those_that_are_kept() -> None:
    encoder = ValueEncoder()
    _grown_bytes(encoder, ({f"key {number}": number} for number in range(4_000)))
    assert _grown_bytes(encoder, ({f"other {number}": number} for number in range(12_000))) < 6_000_000


def test_many_keys_with_many_values_each_stay_within_what_a_service_can_spare() -> None:
    flood = ({f"key {key}": f"{number:0150}" for key in range(800)} for number in range(130))
    assert _grown_bytes(ValueEncoder(), flood) < 32 * 2**20


def test_long_keys_and_long_values_are_not_kept() -> None:
    flood = ({f"{number}" * 1_000: "v", "key": f"{number}" * 1_000} for number in range(1_000, 1_500))
    assert _grown_bytes(ValueEncoder(), flood) < 200_000


def test_many_names_do_not_grow_beyond_those_that_are_kept() -> None:
    encoder = ValueEncoder()
    tracemalloc.start()
    try:
        for number in range(20_000):
            assert encoder.name(f"name {number}").endswith(f"name {number}".encode())
        assert tracemalloc.get_traced_memory()[0] < 2_000_000
    finally:
        tracemalloc.stop()


def test_an_encoder_that_forgot_everything_still_writes_the_same() -> None:
    encoder = ValueEncoder()
    before = _written({"key": "value", "number": 1}, encoder)
    for number in range(10_000):
        _written({f"key {number}": f"value {number}"}, encoder)
    assert _written({"key": "value", "number": 1}, encoder) == before
