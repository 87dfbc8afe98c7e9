"""A secret shows its text only to whom asks for it."""

import copy
import pickle

import pytest

from heliograph.errors import SettingsError
from heliograph.settings.exporters import OtlpExporter
from heliograph.settings.secret import Secret, is_secret_name, without_credentials


def test_a_secret_gives_its_text_when_asked() -> None:
    assert Secret("s3cret").get_secret_value() == "s3cret"


def test_a_secret_shows_its_text_in_no_other_way() -> None:
    secret = Secret("s3cret")
    assert "s3cret" not in f"{secret} {secret!r} {[secret]}"


def test_an_empty_secret_shows_that_it_is_empty() -> None:
    assert (str(Secret("")), len(Secret("")), len(Secret("abc"))) == ("", 0, 3)


@pytest.mark.parametrize("name", ["api_key", "apiKey", "API-Key", "x-auth-token", "DB.PASSWORD", "pw", "clientSecret"])
def test_a_name_with_a_word_for_a_secret_is_that_of_one(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["", "monkey", "keys", "tokens_in", "key_file", "allow_unauthenticated", "author", "max_bytes"]
)
def test_other_names_are_not(name: str) -> None:
    assert not is_secret_name(name)


def test_of_a_url_neither_credentials_nor_parameters_that_are_secrets_are_shown() -> None:
    url = "https://user:s3cret@host/v1?tenant=shop&access_token=s3cret&apiKey=s3cret#part"
    assert without_credentials(url) == (
        "https://[REDACTED]@host/v1?tenant=shop&access_token=[REDACTED]&apiKey=[REDACTED]#part"
    )
    assert without_credentials("authorization=Bearer s3cret,team=a") == "authorization=[REDACTED],team=a"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:s3/cr@et@host:4318/v1", "http://[REDACTED]@host:4318/v1"),
        ("http://user:s3 cret@host", "http://[REDACTED]@host"),
        ("user:s3cret@host:4318", "[REDACTED]@host:4318"),
        ("http//user:s3cret@host", "http//[REDACTED]@host"),
        ("https://s3cret@host", "https://[REDACTED]@host"),
        ("http://host:4318/v1", "http://host:4318/v1"),
        ("jane@example.com", "jane@example.com"),
    ],
)
def test_credentials_are_hidden_in_what_is_nearly_a_url_too(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


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
