"""Which file is read: the one that is named, else the first of those that are there."""

from pathlib import Path

import pytest

from heliograph.settings.loading.finding import NAMES, chosen_file

TABLE = '[tool.heliograph]\nservice_name = "shop"\n'


def chosen(folder, file=None, **environ):
    return chosen_file(file, environ, folder)


@pytest.mark.parametrize("position", range(len(NAMES)))
def test_the_first_that_is_there_is_read_and_the_others_are_named(tmp_path, position):
    for name in NAMES[position:]:
        (tmp_path / name).write_text(TABLE)
    choice = chosen(tmp_path)
    assert (choice.path, choice.shown) == (tmp_path / NAMES[position], NAMES[position])
    others = NAMES[position + 1 :]
    assert [notice.split()[0] for notice in choice.notices] == list(others)
    assert all(f"since {NAMES[position]} is read" in notice for notice in choice.notices)


def test_where_none_is_nothing_is_read(tmp_path):
    (tmp_path / "settings.yaml").write_text("enabled: false")
    (tmp_path / "heliograph.yaml").mkdir()
    assert chosen(tmp_path) is None
    assert chosen(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("content", "is_ours"),
    [
        (TABLE, True),
        ('[ tool . "heliograph" ]\nenabled = true', True),
        ("[tool]\nheliograph.enabled = true", True),
        ("tool.heliograph.enabled = true", True),
        ("[tool.heliograph.tracing]\nenabled = true", True),
        ("[[tool.heliograph.metrics.views]]\ndrop = true", True),
        ("[tool.heliograph", True),
        ('[project]\ndependencies = ["heliograph"]', False),
        ("[tool.heliographic]\na = 1", False),
        ("[tool]\nother = 'heliograph'", False),
        ("text = '''\n[tool.heliograph]\n'''", False),
        ("", False),
    ],
)
def test_a_pyproject_counts_when_it_has_our_table(tmp_path, content, is_ours):
    (tmp_path / "pyproject.toml").write_text(content)
    assert (chosen(tmp_path) is not None) == is_ours


def test_an_argument_wins_over_variables_and_those_over_what_is_there(tmp_path):
    (tmp_path / "heliograph.yaml").touch()
    environ = {"HELIOGRAPH_CONFIG_FILE": "ours.toml", "OTEL_CONFIG_FILE": "theirs.yaml"}
    assert chosen(tmp_path, "argument.json", **environ).path == tmp_path / "argument.json"
    ours = chosen(tmp_path, **environ)
    assert (ours.path, ours.where, ours.is_declarative) == (tmp_path / "ours.toml", "HELIOGRAPH_CONFIG_FILE", False)
    assert ours.notices == ("OTEL_CONFIG_FILE is ignored, since HELIOGRAPH_CONFIG_FILE is set; unset one of them",)
    theirs = chosen(tmp_path, OTEL_CONFIG_FILE="theirs.yaml")
    assert (theirs.path, theirs.where, theirs.is_declarative) == (tmp_path / "theirs.yaml", "OTEL_CONFIG_FILE", True)
    assert chosen(tmp_path, HELIOGRAPH_CONFIG_FILE=" ", OTEL_CONFIG_FILE="").shown == "heliograph.yaml"


def test_a_path_of_its_own_is_not_looked_for_in_the_folder(tmp_path):
    assert chosen(tmp_path, Path("/etc/shop.yaml")).path == Path("/etc/shop.yaml")
    assert chosen(tmp_path, "conf/shop.yaml").shown == "conf/shop.yaml"
