"""The official OTLP encoder as an oracle, and Hypothesis strategies for the SDK items that both encoders take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message
from hypothesis import strategies as st
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

TRACE_IDS = st.integers(0, 2**128 - 1)
SPAN_IDS = st.integers(0, 2**64 - 1)
TIMES_NS = st.one_of(st.integers(0, 2**64 - 1), st.integers(1_700_000_000 * 10**9, 1_800_000_000 * 10**9))
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12), st.sampled_from(["", "é", "\x00", "🦉" * 40])
)
_INTS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-3, 3), st.sampled_from([2**63 - 1, -(2**63)]))
SCALARS = st.one_of(st.booleans(), _INTS, st.floats(), TEXTS, st.binary(max_size=12))
# Few keys, so that what is remembered of one is used again, and values that are equal but of different types. No empty keys,
# of which the SDK warns.
KEYS = st.one_of(st.sampled_from(["a", "b", "http.method"]), TEXTS.filter(bool))
_TWINS = st.sampled_from([True, 1, 1.0, False, 0, 0.0, -0.0, "1", b"1"])


def _containers(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(values, max_size=3)
    return st.one_of(lists, lists.map(tuple), st.dictionaries(KEYS, values, max_size=3))


VALUES = st.recursive(st.one_of(SCALARS, _TWINS, st.none()), _containers, max_leaves=5)


def _kept(attributes: Mapping[str, Any], dropped: int) -> BoundedAttributes:
    """As the SDK keeps attributes: cleaned, with a count of what was dropped."""
    kept = BoundedAttributes(attributes=attributes)
    kept.dropped = dropped
    return kept


_PLAIN_ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=5)
# None at all, as a user of the SDK gives them, and as the SDK keeps them.
ATTRIBUTES = st.one_of(
    st.none(), _PLAIN_ATTRIBUTES, st.builds(_kept, _PLAIN_ATTRIBUTES, st.sampled_from([0, 1, 128, 2**32 - 1]))
)
_SCHEMA_URLS = st.sampled_from(["", None, "https://opentelemetry.io/schemas/1.37.0", "é"])


def _resource(number: int, attributes: Mapping[str, Any], schema_url: str | None) -> Resource:
    return Resource({"number": number, **attributes}, schema_url)


@st.composite
def resources(draw: st.DrawFn) -> list[Resource]:
    """One to three resources, no two of them equal: the official encoder tells them apart by equality, ours by identity."""
    drawn = draw(st.lists(st.tuples(_PLAIN_ATTRIBUTES, _SCHEMA_URLS), min_size=1, max_size=2))
    made = [_resource(number, attributes, url) for number, (attributes, url) in enumerate(drawn)]
    return made + draw(st.sampled_from([[], [Resource({})]]))


@st.composite
def scopes(draw: st.DrawFn) -> list[InstrumentationScope]:
    """One to three scopes of which no two are equal."""
    fields = st.tuples(TEXTS, st.one_of(st.none(), TEXTS), _SCHEMA_URLS, ATTRIBUTES)
    drawn = draw(st.lists(fields, min_size=1, max_size=3, unique_by=lambda scope: scope[0]))
    return [InstrumentationScope(*scope) for scope in drawn]


def assert_same(ours: Message, official: Message) -> None:
    """Both say the same to the bit; ``==`` would take -0.0 for 0.0 and no NaN for another."""
    same = ours.SerializeToString(deterministic=True) == official.SerializeToString(deterministic=True)
    assert same, f"ours:\n{ours}\nofficial:\n{official}"


def without_empty_attributes(message: Message) -> Message:
    """Take out the attributes without a value, which the official encoder writes for None and ours leaves out."""
    for part in parts(message):
        for name in ("attributes", "filtered_attributes"):
            if name in part.DESCRIPTOR.fields_by_name:
                kept = [attribute for attribute in getattr(part, name) if attribute.value.WhichOneof("value")]
                part.ClearField(name)
                getattr(part, name).extend(kept)
    return message


def parts(message: Message) -> Iterator[Message]:
    """``message`` and every message in it, except what is inside attributes."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type is not KeyValue.DESCRIPTOR:
            for part in value if isinstance(value, Sequence) or hasattr(value, "__len__") else [value]:
                yield from parts(part)


def fields_of(encoded: Sequence[bytes], message: type[Message]) -> Any:
    """What a receiver reads from ``encoded`` fields of ``message``."""
    return message.FromString(b"".join(encoded))


def plain_value(value: AnyValue) -> Any:
    """What a receiver reads as a value of Python's own types; bytes and numbers keep their type."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: plain_value(item.value) for item in value.kvlist_value.values}
    return getattr(value, kind) if kind else None


def each_alone(make_encoder: Callable[[], Any], items: Sequence[Any]) -> list[bytes]:
    """The request for each item, written by an encoder that has seen nothing before."""
    return [make_encoder().encode([item])[0] for item in items]
