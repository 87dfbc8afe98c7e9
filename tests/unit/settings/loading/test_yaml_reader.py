"""YAML is read with lines, and plain scalars as YAML 1.2 has them."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from heliograph.settings.loading.document import UnreadableError
from heliograph.settings.loading.yaml_reader import plain_value, read_yaml


def values(node):
    if isinstance(node.value, dict):
        return {name: values(each) for name, each in node.value.items()}
    return [values(each) for each in node.value] if isinstance(node.value, list) else node.value


def read(text):
    return values(read_yaml(text)[0])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("No", "No"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("+7", 7),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("0b1", "0b1"),
        ("2026-01-01", "2026-01-01"),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        (".NaN", pytest.approx(math.nan, nan_ok=True)),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("=", "="),
    ],
)
def test_a_scalar_is_what_the_core_schema_says(text, value):
    assert read(f"a: {text}") == {"a": value}


def test_a_scalar_keeps_how_it_was_written():
    node = read_yaml("a: 1.10")[0].value["a"]
    assert (node.text, node.is_plain) == ("1.10", True)
    assert not read_yaml("a: '1.10'")[0].value["a"].is_plain


def test_names_are_text_whatever_they_look_like():
    assert read("1: a\ntrue: b\n~: c") == {"1": "a", "true": "b", "~": "c"}


def test_each_value_has_the_line_of_its_name_or_its_dash():
    node = read_yaml("a:\n\n  b: 1\nc:\n- x\n-\n  d: 2\n")[0]
    assert [node.value[name].line for name in "ac"] == [1, 4]
    assert node.value["a"].value["b"].line == 3
    assert [entry.line for entry in node.value["c"].value] == [5, 7]
    assert node.value["c"].value[1].value["d"].line == 7


def test_an_alias_stands_for_what_it_refers_to_and_merge_keys_lie_below():
    text = "base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\n"
    text += "one:\n  <<: *base\n  b: 5\ntwo:\n  <<: [*base, *other]\nthree: *base"
    found = read(text)
    assert found["one"] == {"a": 1, "b": 5}
    assert found["two"] == {"a": 1, "b": 2, "c": 4}
    assert found["three"] == {"a": 1, "b": 2}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n"])
def test_a_file_with_nothing_in_it_is_none(text):
    assert read(text) is None


def test_a_name_that_stands_twice_is_reported_with_both_lines():
    (repeated,) = read_yaml("a:\n  b: 1\n  c: 2\n  b: 3")[1]
    assert repeated == (("a", "b"), 4, 2)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: b: c", 1, "mapping values are not allowed here"),
        ("a: {b: ${X}}", 1, "expected ',' or '}', but got '{'; inside of [ ] and { } put quotes around ${...}"),
        ("a: [b, ${X}]", 1, "expected ',' or ']', but got '{'; inside of [ ] and { } put quotes around ${...}"),
        ("a:\n  - &x [*x]", 2, "an alias to what is around it"),
        ("a:\n  <<: 5", 2, "'<<' with something else than mappings"),
        ("a: 1\n? [b]\n: 2", 2, "a name that is no text"),
        ("a: !!int b", 1, "!!int before something else"),
        ("a: !secret b", 1, "a tag other than !!str, !!int, !!float, !!bool and !!null"),
        ("a: !!python/name:os.system b", 1, "a tag other than !!str, !!int, !!float, !!bool and !!null"),
        ("a: 1\nb: \x00", 2, "a character that YAML has not, special characters are not allowed"),
        ("a: " + "9" * 5000, 1, "a number of more digits than can be read"),
        ("a: " + "[" * 1000, 1, "too many levels"),
    ],
)
def test_what_is_no_yaml_says_why_and_on_which_line(text, line, problem):
    with pytest.raises(UnreadableError) as caught:
        read_yaml(text)
    assert (caught.value.line, caught.value.problem) == (line, problem)


def test_aliases_of_aliases_do_not_fill_the_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)]
    with pytest.raises(UnreadableError, match="aliases counted each time"):
        read_yaml("\n".join(lines))


# PyYAML leaves text unquoted that is a number since YAML 1.2, such as 0E0.
_TEXTS = st.text().filter(lambda text: isinstance(plain_value(text), str))
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXTS
_DOCUMENTS = st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner), max_leaves=10)


@given(_DOCUMENTS.map(lambda value: {"a": value}))
def test_what_pyyaml_writes_is_read_as_it_was(document):
    text = yaml.safe_dump(document, allow_unicode=True)
    assert read(text) == yaml.safe_load(text)


@given(st.text())
def test_text_that_is_no_other_scalar_stays_text(text):
    value = plain_value(text)
    assert value == text or not isinstance(value, str)
