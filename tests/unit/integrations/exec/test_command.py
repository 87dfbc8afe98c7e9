"""The environment in which ``heliograph exec`` runs a program."""

from __future__ import annotations

import os
from pathlib import Path

from heliograph.integrations.exec.command import SITE, STARTED_BY, STRICT, environment


def test_the_folder_with_our_sitecustomize_stands_in_front_of_what_was_there() -> None:
    assert environment({"PYTHONPATH": os.pathsep.join(["a", "", "b"])})["PYTHONPATH"].split(os.pathsep) == [
        str(SITE),
        "a",
        "b",
    ]
    assert [path.name for path in SITE.glob("*.py")] == ["sitecustomize.py"]


def test_a_command_below_another_one_says_nothing_twice() -> None:
    once = environment({"PATH": "x"})
    assert environment({**once, STARTED_BY: "7"}) == once


def test_options_become_the_variables_that_settings_are_read_from() -> None:
    changed = environment({}, file=Path("settings.yaml"), service_name="shop", exclude=["redis"], is_strict=True)
    assert changed["HELIOGRAPH_CONFIG_FILE"] == str(Path.cwd() / "settings.yaml")
    assert (changed["HELIOGRAPH_SERVICE_NAME"], changed[STRICT]) == ("shop", "true")
    assert changed["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] == "redis"


def test_what_the_environment_leaves_out_stays_left_out() -> None:
    changed = environment({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask"}, exclude=["redis", "celery"])
    assert changed["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] == "flask,redis,celery"


def test_without_options_the_rest_of_the_environment_is_as_it_was() -> None:
    assert environment({"A": "b"}) == {"A": "b", "PYTHONPATH": str(SITE)}
