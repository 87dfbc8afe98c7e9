"""A request gets the coding that it prefers, as RFC 9110 has it, and what it gets can be read again."""

import gzip
import sys
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from heliograph.endpoint.encodings import ENCODINGS, chosen, is_identity_refused
from tests.support.interpreter import run_script

READ: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "zstd": zstandard.decompress}


def _name(accept_encoding: str) -> str | None:
    found = chosen(accept_encoding)
    return found.name if found is not None else None


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        *[("gzip", "gzip"), ("GZIP", "gzip"), (" gzip ; q=1.0 ", "gzip"), ("deflate, gzip;q=0.5", "gzip"), ("gzip;", "gzip")],
        *[("zstd", "zstd"), ("ZStd;q=0.001", "zstd"), ("br, zstd;q=0.1", "zstd"), ("x-gzip", "gzip")],
        *[("", None), ("identity", None), ("br, deflate", None), ("xgzip", None), (";;,,=", None)],
        *[("gzip;q=0", None), ("gzip;q=0.000", None), ("zstd;q=0, gzip;q=0", None), ("zstd;q=0, gzip", "gzip")],
    ],
)
def test_of_the_codings_named_one_that_there_is_is_chosen(accept_encoding: str, expected: str | None) -> None:
    assert _name(accept_encoding) == expected


@pytest.mark.parametrize("accept_encoding", ["gzip, zstd", "zstd, gzip", "gzip;q=0.5, zstd;q=0.5", "gzip, deflate, br, zstd"])
def test_of_codings_that_are_liked_equally_it_is_the_cheaper_one(accept_encoding: str) -> None:
    assert _name(accept_encoding) == "zstd"


def test_the_weight_decides_before_the_cost() -> None:
    assert _name("zstd;q=0.5, gzip;q=0.8") == "gzip"
    assert _name("zstd;q=0.8, gzip;q=0.5") == "zstd"


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [("*", "gzip"), ("*;q=0", None), ("*;q=0, gzip", "gzip"), ("gzip;q=0, *", None), ("*;q=0.1, zstd;q=0.2", "zstd")],
)
def test_who_accepts_anything_gets_what_everybody_can_read(accept_encoding: str, expected: str | None) -> None:
    assert _name(accept_encoding) == expected


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        *[("identity, gzip;q=0.5", None), ("identity;q=0.6, gzip;q=0.5, zstd;q=0.7", "zstd"), ("identity, gzip", "gzip")],
        *[("identity;q=0, gzip;q=0.1", "gzip"), ("identity;q=0", None), ("identity;q=0, br", None)],
    ],
)
def test_not_to_compress_is_chosen_when_it_is_liked_better_or_nothing_else_is_possible(
    accept_encoding: str, expected: str | None
) -> None:
    assert _name(accept_encoding) == expected


@pytest.mark.parametrize("weight", ["-1", "nan", "inf", "2", "zzz", "", "0x1", "1e9"])
def test_a_weight_that_is_none_forbids(weight: str) -> None:
    assert _name(f"gzip;q={weight}") is None


def test_a_parameter_other_than_the_weight_does_not_matter() -> None:
    assert _name("gzip;level=9") == "gzip"


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        *[("identity;q=0", True), ("identity;q=0, gzip", True), ("*;q=0, gzip", True), ("*;q=0", True)],
        *[("", False), ("gzip", False), ("*", False), ("*;q=0, identity", False), ("identity;q=0.1", False)],
    ],
)
def test_it_is_known_whether_an_answer_must_be_compressed(accept_encoding: str, expected: bool) -> None:
    assert is_identity_refused(accept_encoding) is expected


@given(st.text(alphabet="gzipstdenty*;q=0.15, -", max_size=40))
@example("gzip;q=0.5, zstd;q=0.5;q=0")
def test_any_header_gives_a_coding_that_there_is_or_none(accept_encoding: str) -> None:
    assert _name(accept_encoding) in {None, *(encoding.name for encoding in ENCODINGS)}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("body", [b"", b"x", b"up 1.0\n" * 100_000, bytes(range(256)) * 50], ids=len)
def test_what_was_compressed_can_be_read_again(name: str, body: bytes) -> None:
    found = chosen(name)
    assert found is not None
    assert READ[name](found.compress(body)) == body


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python has zstd of its own")
def test_without_the_package_gzip_is_chosen_and_the_package_is_loaded_by_who_asks_for_it() -> None:
    run_script(
        """
        import sys
        from heliograph.endpoint.encodings import chosen
        chosen("gzip")
        assert "zstandard" not in sys.modules
        sys.modules["zstandard"] = None  # what an import of a package that is missing comes to
        assert chosen("zstd") is None
        assert chosen("zstd, gzip;q=0.1").name == "gzip"
    """,
    )
