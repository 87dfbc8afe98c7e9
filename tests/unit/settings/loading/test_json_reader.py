"""JSON is read with lines, whatever space is between its values."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.settings.loading.document import UnreadableError
from heliograph.settings.loading.json_reader import read_json


def values(node):
    if isinstance(node.value, dict):
        return {name: values(each) for name, each in node.value.items()}
    return [values(each) for each in node.value] if isinstance(node.value, list) else node.value


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_DOCUMENTS = st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(_DOCUMENTS, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_every_document_is_read_as_it_was_written(document, indent, ensure_ascii):
    text = json.dumps(document, indent=indent, ensure_ascii=ensure_ascii)
    node, repeated = read_json(text)
    assert values(node) == document
    assert repeated == []


def lines_of(node, place=()):
    inner = node.value
    pairs = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
    return {place: node.line} | {at: line for part, each in pairs for at, line in lines_of(each, (*place, part)).items()}


def test_each_value_has_the_line_of_its_name_or_of_itself():
    text = '\n{\n\t"a":\n\t\t1,\n\t"b": [\n\t\ttrue,\n\t\t{"c": "\\"}\\n"}\n\t]\n}\n'
    assert lines_of(read_json(text)[0]) == {(): 2, ("a",): 3, ("b",): 5, ("b", 0): 6, ("b", 1): 7, ("b", 1, "c"): 7}


@given(st.lists(st.text(), min_size=1, unique=True))
def test_names_one_a_line_have_the_lines_that_they_stand_on(names):
    node = read_json(json.dumps({name: [{}] for name in names}, indent=None, separators=(",\r\n", ":")))[0]
    assert [node.value[name].line for name in names] == list(range(1, len(names) + 1))


def test_a_name_that_stands_twice_is_reported_with_both_lines():
    (repeated,) = read_json('[{"a": 1,\n"b": 2,\n"\\u0061": 3}]')[1]
    assert repeated == ((0, "a"), 3, 1)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "Expecting value (column 1)"),
        ('{\n"a" 1}', 2, "Expecting ':' delimiter (column 5)"),
        ("{}\n{}", 2, "Extra data (column 1)"),
        ('[1,\n"\t"]', 2, "Invalid control character at (column 2)"),
        ("[1,\n-Infinity]", 2, "-Infinity is no number in JSON"),
        ("[" * 100_000, 1, "too many levels"),
        ("[" + "9" * 5000 + "]", 1, "a number of more digits than can be read"),
    ],
)
def test_what_is_no_json_says_why_and_on_which_line(text, line, problem):
    with pytest.raises(UnreadableError) as caught:
        read_json(text)
    assert (caught.value.line, caught.value.problem) == (line, problem)
