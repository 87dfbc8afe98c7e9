"""Attributes as labels: what Prometheus cannot take is repaired, everything else arrives as it is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse_text

from heliograph.prometheus.labels import labels, pairs, rendered, text, with_more

VALUES = st.text() | st.sampled_from(['"', "\\", "\n", "\\n", '\\"', "a,b}", "\r", "\0", "\ud800", "x" * 100])


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"http.route": "/x"}, {"http_route": "/x"}),
        ({"1st": "x", "": "y"}, {"_st": "x", "_": "y"}),
        ({"__name__": "x", "__a": "y"}, {"_name_": "x", "_a": "y"}),
        ({"a.b": "1", "a_b": "2"}, {"a_b": "1;2"}),
        ({"n": 1, "t": True, "f": 0.5, "none": None}, {"n": "1", "t": "true", "f": "0.5", "none": "null"}),
        ({"l": [1, "x"], "m": {"a": 1}}, {"l": '[1, "x"]', "m": '{"a": 1}'}),
        ({"nul": "a\0b", "lone": "a\ud800b"}, {"nul": "a\ufffdb", "lone": "a?b"}),
        (None, {}),
    ],
)
def test_keys_are_names_and_values_are_text(attributes: Any, expected: dict[str, str]) -> None:
    assert labels(attributes) == expected


def test_a_histogram_keeps_le_for_its_bounds() -> None:
    assert labels({"le": "x"}) == {"le": "x"}
    assert labels({"le": "x"}, is_histogram=True) == {"exported_le": "x"}


def test_a_value_that_cannot_be_shown_says_so() -> None:
    class Raising:
        def __str__(self) -> str:
            raise ValueError

    assert labels({"a": Raising()}) == {"a": "<Raising that cannot be shown>"}
    assert labels({"a": 10**5000}) == {"a": "<int that cannot be shown>"}


@given(st.dictionaries(st.from_regex(re.compile(r"[a-z][a-z0-9]*", re.ASCII), fullmatch=True), VALUES, max_size=4))
def test_rendered_labels_are_read_back_by_us_and_by_prometheus_client(given_labels: dict[str, str]) -> None:
    repaired = {name: text(value) for name, value in given_labels.items()}
    said = rendered(repaired)
    assert dict(pairs(said)) == repaired
    (family,) = parse_text(f"# TYPE g gauge\ng{said} 1.0\n")
    assert family.samples[0].labels == repaired


@given(st.dictionaries(st.sampled_from("abc"), VALUES), st.dictionaries(st.sampled_from("xyz"), VALUES))
def test_more_labels_stand_behind_those_there_are(one: dict[str, str], more: dict[str, str]) -> None:
    one, more = ({name: text(value) for name, value in found.items()} for found in (one, more))
    assert dict(pairs(with_more(rendered(one), rendered(more)))) == {**one, **more}
