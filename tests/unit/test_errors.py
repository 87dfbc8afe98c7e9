"""Every error is a HeliographError, fits a standard exception, says what to do, and travels between processes."""

import copy
import pickle

import pytest

from heliograph import errors
from heliograph.errors import (
    AlreadyStartedError,
    CatalogueError,
    HealthCheckError,
    HeliographError,
    InstrumentError,
    NotStartedError,
    SettingsError,
    SettingsFault,
)

_FAULTS = (
    SettingsFault(path="a.b", given="1", expected="text"),
    SettingsFault(path="c[0]", given="nothing", expected="a value"),
)
_ERRORS = [
    SettingsError(_FAULTS),
    AlreadyStartedError(["service_name: 'a' is running, 'b' was asked for"]),
    NotStartedError(),
    InstrumentError("taken"),
    CatalogueError("taken"),
    HealthCheckError("taken"),
]


@pytest.mark.parametrize(
    ("error", "standard"),
    [
        (SettingsError, ValueError),
        (AlreadyStartedError, RuntimeError),
        (NotStartedError, LookupError),
        (InstrumentError, ValueError),
        (CatalogueError, ValueError),
        (HealthCheckError, ValueError),
    ],
)
def test_each_error_is_ours_and_a_standard_one(error: type[Exception], standard: type[Exception]) -> None:
    assert issubclass(error, HeliographError)
    assert issubclass(error, standard)


def test_the_tree_in_the_docstring_names_every_error() -> None:
    ours = [name for name, thing in vars(errors).items() if isinstance(thing, type) and issubclass(thing, HeliographError)]
    assert [name for name in ours if name not in (errors.__doc__ or "")] == []


def test_a_fault_reads_as_a_sentence() -> None:
    assert str(_FAULTS[1]) == "c[0]: given nothing, expected a value"


def test_a_settings_error_lists_each_fault_on_a_line() -> None:
    error = SettingsError(list(_FAULTS))
    assert str(error).splitlines() == ["2 faults in the settings:", *(f"  {fault}" for fault in _FAULTS)]
    assert error.faults == _FAULTS
    assert str(SettingsError(_FAULTS[:1])).startswith("1 fault in the settings:")


def test_an_already_started_error_names_each_difference_and_what_to_do() -> None:
    error = AlreadyStartedError(["x: 1 is running, 2 was asked for", "y: 3 is running, 4 was asked for"])
    assert error.differences == ("x: 1 is running, 2 was asked for", "y: 3 is running, 4 was asked for")
    assert "shutdown()" in str(error)
    assert all(difference in str(error) for difference in error.differences)


def test_a_not_started_error_says_what_to_call() -> None:
    assert "TelemetryManager.start(" in str(NotStartedError())


@pytest.mark.parametrize("error", _ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("send", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_that_crosses_a_process_boundary_says_the_same(error: HeliographError, send: object) -> None:
    received = send(error)  # type: ignore[operator]
    assert type(received) is type(error)
    assert str(received) == str(error)
    assert received.__dict__ == error.__dict__
