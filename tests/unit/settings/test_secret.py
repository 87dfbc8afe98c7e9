"""A secret shows its text only to whom asks for it."""

import copy
import pickle

import pytest

from heliograph.errors import SettingsError
from heliograph.settings.exporters import OtlpExporter
from heliograph.settings.secret import Secret


def test_a_secret_gives_its_text_when_asked() -> None:
    assert Secret("s3cret").get_secret_value() == "s3cret"


def test_a_secret_shows_its_text_in_no_other_way() -> None:
    secret = Secret("s3cret")
    assert "s3cret" not in f"{secret} {secret!r} {[secret]}"


def test_an_empty_secret_shows_that_it_is_empty() -> None:
    assert (str(Secret("")), len(Secret("")), len(Secret("abc"))) == ("", 0, 3)


def test_secrets_are_equal_when_their_texts_are() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_a_secret_survives_copying_and_pickling() -> None:
    secret = Secret("a")
    assert copy.deepcopy(secret) == pickle.loads(pickle.dumps(secret)) == secret


def test_the_secret_of_another_library_is_taken_as_a_header() -> None:
    class SecretStr:
        def get_secret_value(self) -> str:
            return "s3cret"

    assert OtlpExporter(headers={"k": SecretStr()}).headers == {"k": Secret("s3cret")}  # type: ignore[dict-item]


@pytest.mark.parametrize("value", [5, None, ["s3cret"], Secret], ids=repr)
def test_what_is_no_text_is_no_header(value: object) -> None:
    with pytest.raises(SettingsError) as caught:
        OtlpExporter(headers={"k": value})  # type: ignore[dict-item]
    assert [str(fault) for fault in caught.value.faults] == ["headers.k: given [REDACTED], expected text"]
