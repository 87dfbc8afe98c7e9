"""TOML is read with lines, in all ways in which it writes tables."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.settings.loading.document import UnreadableError
from heliograph.settings.loading.toml_reader import read_toml


def values(node):
    if isinstance(node.value, dict):
        return {name: values(each) for name, each in node.value.items()}
    return [values(each) for each in node.value] if isinstance(node.value, list) else node.value


def lines_of(node, place=()):
    inner = node.value
    pairs = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
    return {place: node.line} | {at: line for part, each in pairs for at, line in lines_of(each, (*place, part)).items()}


DOCUMENT = r"""# comment = "no"
name = "a # b" # c
"quoted.\u0061" = 'x\'
several = '''
[no.table]
''''
basic = \"\"\"
a = 1 \"\"\"
[server]
port = 1
"a b".c . d = {e = 1, f = [1, { g = 2 }]}
list = [
  1, # one ]
  "two, ]",

  [3,
   4],
]
when = 1979-05-27 07:32:00

[[tracing.exporters]]
type = "console"
[[tracing.exporters]]
type = "otlp"
[tracing.exporters.tls]
ca_file = "x"
[[tracing.exporters.more]]
deep = true
[[tracing.exporters.more]]
deep = false
[tracing.batch]
size = 1
""".replace('\\"', '"')


def test_each_value_has_the_line_of_its_name_or_of_itself():
    node = read_toml(DOCUMENT)
    assert values(node) == tomllib.loads(DOCUMENT)
    found = lines_of(node)
    expected = {
        "name": 2,
        "quoted.a": 3,
        "several": 4,
        "basic": 7,
        "server": 9,
        ("server", "port"): 10,
        ("server", "a b"): 11,
        ("server", "a b", "c", "d", "f", 1, "g"): 11,
        ("server", "list"): 12,
        ("server", "list", 0): 13,
        ("server", "list", 1): 14,
        ("server", "list", 2): 16,
        ("server", "list", 2, 1): 17,
        ("server", "when"): 19,
        "tracing": 21,
        ("tracing", "exporters"): 21,
        ("tracing", "exporters", 0): 21,
        ("tracing", "exporters", 0, "type"): 22,
        ("tracing", "exporters", 1): 23,
        ("tracing", "exporters", 1, "tls"): 25,
        ("tracing", "exporters", 1, "tls", "ca_file"): 26,
        ("tracing", "exporters", 1, "more", 0, "deep"): 28,
        ("tracing", "exporters", 1, "more", 1): 29,
        ("tracing", "exporters", 1, "more", 1, "deep"): 30,
        ("tracing", "batch"): 31,
    }
    places = {(place,) if isinstance(place, str) else place: line for place, line in expected.items()}
    assert {place: found[place] for place in places} == places


_QUOTED = st.text(st.characters(exclude_categories=["Cs", "Cc"])).map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
)
_NAMES = st.from_regex(r"\A[A-Za-z0-9_-]+\Z") | _QUOTED | st.from_regex(r"\A'[ -&(-~]*'\Z")
_SCALARS = (
    _QUOTED
    | st.from_regex(r"\A'[ -&(-~]*'\Z")
    | st.sampled_from(["1", "-0.5", "true", "1979-05-27T07:32:00Z", '"""\na""b"""', "'''\n'a\n'''", '"""x"""""'])
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3).map(lambda entries: "[ " + " ,\n# ]\n".join(entries) + "\n]"),
    max_leaves=5,
)


@given(st.lists(st.tuples(_NAMES, _VALUES), max_size=6))
def test_every_statement_is_read_and_has_its_own_line(statements):
    text, expected, line = "", {}, 1
    for name, value in statements:
        (read,) = tomllib.loads(f"{name} = 1")
        if read not in expected:
            statement = f"{name} = {value}\n"
            expected[read] = line
            text, line = text + statement, line + statement.count("\n")
    node = read_toml(text)
    assert values(node) == tomllib.loads(text)
    assert {name: each.line for name, each in node.value.items()} == expected


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a = 1\nb", 2, "Expected '=' after a key in a key/value pair at the end"),
        ("a = 1\na = 2\n", 2, "a name that has a value already (column 6)"),
        ("a = 1\nb = yes\n", 2, "Invalid value (column 5)"),
        ("a = " + "[" * 5000, 1, "too many levels"),
        ("a = " + "9" * 5000, 1, "a number of more digits than can be read"),
    ],
)
def test_what_is_no_toml_says_why_and_on_which_line(text, line, problem):
    with pytest.raises(UnreadableError) as caught:
        read_toml(text)
    assert (caught.value.line, caught.value.problem) == (line, problem)
