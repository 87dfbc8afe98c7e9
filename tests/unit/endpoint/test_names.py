"""The names that a query asks for are read however they are written, and too many are refused."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.endpoint.names import names_asked


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        *[("", set()), ("name[]=up", {"up"}), ("name%5B%5D=up", {"up"}), ("name[]=a&name[]=b&name%5b%5d=c", {"a", "b", "c"})],
        *[("name[]=a&name[]=a", {"a"}), ("other=1&name[]=a&debug", {"a"}), ("name=a", set()), ("names[]=a", set())],
        *[("name[]=", set()), ("name[]", set()), ("name[]=&name[]=a", {"a"}), ("name[]=caf%C3%A9", {"caf\xe9"})],
        *[("name[]=a%26b%3D+c", {"a&b= c"}), ("name[]=%FF", {"\ufffd"}), ("&&&=;", set()), ("NAME[]=a", set())],
    ],
)
def test_the_names_are_those_of_each_name_parameter(query: str, expected: set[str]) -> None:
    assert names_asked(query) == expected


def test_a_thousand_names_are_taken_and_one_more_is_not() -> None:
    names = [f"metric_{number}" for number in range(1001)]
    assert names_asked("&".join(f"name[]={name}" for name in names[:1000])) == set(names[:1000])
    with pytest.raises(ValueError, match=r"1,001 names, expected at most 1,000; ask in several requests"):
        names_asked("&".join(f"name[]={name}" for name in names))


def test_a_query_that_is_far_too_long_is_refused() -> None:
    assert names_asked("name[]=" + "a" * 65_000) == {"a" * 65_000}
    with pytest.raises(ValueError, match=r"70,007 characters, expected at most 65,536; .* without name\[\]"):
        names_asked("name[]=" + "a" * 70_000)


@given(st.sets(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), max_size=10))
def test_any_name_is_read_as_it_was_sent(names: set[str]) -> None:
    assert names_asked(urlencode([("name[]", name) for name in names])) == names
    assert names_asked("&".join(f"name[]={quote(name)}" for name in names)) == names


@given(st.text(max_size=60))
def test_any_query_at_all_is_read(query: str) -> None:
    assert all(names_asked(query))
