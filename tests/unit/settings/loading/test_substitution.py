"""Variables in files: what is put in, of what type it is, and what is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.errors import SettingsError
from heliograph.settings.loading.document import Node
from heliograph.settings.loading.load import load
from heliograph.settings.loading.substitution import Substitution
from heliograph.settings.loading.yaml_reader import plain_value

ENVIRON = {"NAME": "shop", "PORT": "9090", "EMPTY": "", "FLAG": "false", "NESTED": "${NAME}", "_1": "one", "LIST": "[a, b]"}


def substituted(text, *, is_plain=True, is_lenient=False, environ=ENVIRON):
    substitution = Substitution(environ, plain_value, "a.yaml", is_lenient=is_lenient)
    node = substitution.applied(Node(value=text, line=3, text=text, is_plain=is_plain), ("a",))
    return node.value, substitution.faults


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${NAME}", "shop"),
        ("${env:NAME}", "shop"),
        ("${_1}", "one"),
        ("a-${NAME}-${PORT}-b", "a-shop-9090-b"),
        ("${PORT}", 9090),
        ("${PORT}.5", 9090.5),
        ("${FLAG}", False),
        ("${EMPTY}", None),
        ("${EMPTY:-full}", "full"),
        ("${NOT_SET:-full}", "full"),
        ("${NOT_SET:-}", None),
        ("${NOT_SET:-8}", 8),
        ("${env:NOT_SET:-a:-b}", "a:-b"),
        ("${NAME:-other}", "shop"),
        ("${NESTED}", "${NAME}"),
        ("${LIST}", "[a, b]"),
        ("$$NAME", "$NAME"),
        ("$${NAME}", "${NAME}"),
        ("$$${NAME}", "$shop"),
        ("$NAME costs 5$", "$NAME costs 5$"),
        ("$(NAME) %NAME% {NAME}", "$(NAME) %NAME% {NAME}"),
    ],
)
def test_a_variable_is_put_in_and_then_decides_the_type(text, value):
    assert substituted(text) == (value, [])


def test_in_quotes_it_stays_text():
    assert substituted("${PORT}", is_plain=False) == ("9090", [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${NOT_SET}", "the variable NOT_SET to be set; set it, or give a default: ${NOT_SET:-...}"),
        ("${env:NOT_SET}", "the variable NOT_SET to be set; set it, or give a default: ${NOT_SET:-...}"),
        *(
            (text, "${NAME}, ${NAME:-default} or ${env:NAME}, with nothing of these inside; for a plain $ write $$")
            for text in (
                "${NAME",
                "${}",
                "${1A}",
                "${NAME-x}",
                "${NAME:x}",
                "${file:/etc/passwd}",
                "${A:-${NAME}}",
                "${ NAME }",
            )
        ),
    ],
)
def test_what_cannot_be_put_in_is_a_fault_with_its_line(text, expected):
    value, (fault,) = substituted(text)
    assert value == text
    assert (fault.path, fault.given, fault.expected, fault.where) == ("a", repr(text), expected, "a.yaml:3")


def test_in_opentelemetrys_file_a_variable_that_is_not_set_is_empty():
    assert substituted("${NOT_SET}", is_lenient=True) == (None, [])
    assert substituted("a${NOT_SET}b", is_lenient=True) == ("ab", [])


@given(st.text(st.characters(exclude_characters="$")), st.text())
def test_all_around_a_variable_stays_and_what_it_holds_is_never_read_again(around, held):
    text = f"{around}${{HELD}}{around}"
    assert substituted(text, is_plain=False, environ={"HELD": held}) == (f"{around}{held}{around}", [])


@given(st.text())
def test_text_with_each_dollar_doubled_is_that_text(text):
    assert substituted(text.replace("$", "$$"), is_plain=False) == (text, [])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("heliograph.yaml", 'server:\n  port: ${PORT}\nresource:\n  team: ${NAME}\n  "${NAME}": "${PORT}"\n  size: ${PORT}\n'),
        (
            "heliograph.json",
            '{"server": {"port": "${PORT}"}, "resource": {"team": "${NAME}", "${NAME}": "${PORT}", "size": 9090}}',
        ),
        ("heliograph.toml", '[server]\nport = "${PORT}"\n[resource]\nteam = "${NAME}"\n"${NAME}" = "${PORT}"\nsize = 9090\n'),
    ],
)
def test_every_format_has_them_in_values_and_not_in_names(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    settings = load(folder=tmp_path, environ=ENVIRON).settings
    assert settings.server.port == 9090
    assert settings.resource == {"team": "shop", "${NAME}": "9090", "size": 9090}


def test_arguments_and_variables_are_taken_as_they_are(tmp_path):
    settings = load(
        {"environment": "${NAME}"}, environ={**ENVIRON, "HELIOGRAPH_SERVICE_VERSION": "${NAME}"}, folder=tmp_path
    ).settings
    assert (settings.environment, settings.service_version) == ("${NAME}", "${NAME}")


def test_no_fault_shows_what_a_variable_held(tmp_path):
    (tmp_path / "heliograph.yaml").write_text(
        "service_name: ${UNSET}\nresource: ['${SECRET}']\nserver: {host: '${SECRET}'}\nmetrics:\n  exporters: ['${SECRET}']\n"
        "tracing:\n  exporters:\n  - {type: otlp, name: '${SECRET}'}\n  - {type: console, name: '${SECRET}'}\n"
        "  - {type: otlp, name: a, endpoint: 'ftp://${SECRET}'}\n  - {type: '${SECRET}'}\n  - Jaeger: {zzz: '${SECRET}'}\n"
        "logs: {'a': '${SECRET}', level: '${SECRET}'}\n"
    )
    with pytest.raises(SettingsError) as caught:
        load(folder=tmp_path, environ={"SECRET": "Hunter2"})
    assert len(caught.value.faults) == 10
    assert "hunter2" not in str(caught.value).lower()
