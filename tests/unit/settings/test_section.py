"""A section is a frozen value that is read by its table of fields."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from heliograph.errors import SettingsError
from heliograph.settings import TelemetrySettings
from heliograph.settings.exporters import OtlpExporter
from heliograph.settings.kinds import filled_text, mapping_of, optional, text, whole
from heliograph.settings.metrics import MetricsSettings
from heliograph.settings.section import Section, Siblings, setting
from heliograph.settings.tracing import SampleRule, SpanPattern, TracingSettings


def _double(above: Siblings) -> int:
    return above["single"] * 2


def _check_triple(triple: int, above: Siblings) -> None:
    if triple != above.get("single", 1) * 3:
        raise ValueError("three times the single")


class Numbers(Section):
    name: str = setting(filled_text)
    single: int = setting(whole(1), default=1)
    double: int = setting(whole(1), default_factory=_double)
    triple: int = setting(whole(1), default_factory=lambda above: above["single"] * 3, check=_check_triple)
    notes: Mapping[str, str] = setting(mapping_of(text), default={})


class MoreNumbers(Numbers):
    single: int = setting(whole(5), default=5)
    other: int | None = setting(optional(whole(1)), default=None)


def _faults(section: type[Section], **given: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        section(**given)
    return [str(fault) for fault in caught.value.faults]


def test_what_is_not_given_has_its_default_which_may_follow_from_others() -> None:
    numbers = Numbers(name="a", single=2)
    assert (numbers.name, numbers.single, numbers.double, numbers.triple, numbers.notes) == ("a", 2, 4, 6, {})


def test_a_subclass_has_the_fields_of_its_base_in_their_order_and_may_change_them() -> None:
    assert list(MoreNumbers.fields) == ["name", "single", "double", "triple", "notes", "other"]
    assert MoreNumbers(name="a").triple == 15
    assert _faults(MoreNumbers, name="a", single=4) == ["single: given 4, expected at least 5"]
    assert list(Numbers.fields) == ["name", "single", "double", "triple", "notes"]


def test_every_fault_is_in_one_error_fields_first() -> None:
    assert _faults(Numbers, sinle=2, single=0, notes={"a": 1}, zzz=0) == [
        "name: given nothing, expected a value",
        "single: given 0, expected at least 1",
        "notes.a: given 1, expected text",
        "sinle: given 2, expected no setting of this name; did you mean 'single'?",
        "zzz: given 0, expected no setting of this name; there are name, single, double, triple, notes",
    ]


def test_a_check_sees_the_settings_above_as_far_as_they_fit() -> None:
    assert Numbers(name="a", single=2, triple=6).triple == 6
    assert _faults(Numbers, name="a", single=2, triple=5) == ["triple: given 5, expected three times the single"]
    assert _faults(Numbers, name="a", single=0, triple=3) == ["single: given 0, expected at least 1"]


def test_a_mapping_with_other_keys_than_names_is_a_fault() -> None:
    with pytest.raises(SettingsError) as caught:
        TelemetrySettings(telemetry={1: 2, "tracing": {b"enabled": True}})
    assert [fault.path for fault in caught.value.faults] == ["tracing.b'enabled'", "1"]


def test_a_name_that_is_no_readable_text_is_shown_as_python_writes_it() -> None:
    with pytest.raises(SettingsError) as caught:
        TelemetrySettings(tracing={"a\nb": 1, "\ud800": 1})
    assert [fault.path for fault in caught.value.faults] == [r"tracing.'a\nb'", r"tracing.'\ud800'"]


def test_a_section_is_taken_as_it_is_where_its_class_or_a_base_of_it_is_wanted() -> None:
    tracing, rule = TracingSettings(), SampleRule(sample_rate=1)
    assert TelemetrySettings(tracing=tracing).tracing is tracing
    assert TracingSettings(keep_rules=(rule,)).keep_rules[0] is rule


@pytest.mark.parametrize("given_value", [MetricsSettings(), TracingSettings, None, [], "tracing", 1])
def test_another_value_is_no_section(given_value: object) -> None:
    assert [fault.split(":")[0] for fault in _faults(TelemetrySettings, tracing=given_value)] == ["tracing"]
    with pytest.raises(ValueError, match=r"^a mapping of settings$"):
        TracingSettings.read(given_value)


def test_a_base_is_not_taken_for_its_subclass() -> None:
    assert _faults(TracingSettings, sample_rules=[SpanPattern()])[0].startswith("sample_rules[0]: given SpanPattern(")


def test_a_setting_cannot_be_set_nor_deleted_nor_another_added() -> None:
    numbers: Any = Numbers(name="a")
    with pytest.raises(AttributeError, match=r"'single' was set; make others with replace\(single=\.\.\.\)"):
        numbers.single = 2
    with pytest.raises(AttributeError, match="'zzz' was set"):
        numbers.zzz = 2
    with pytest.raises(AttributeError, match="'single' was deleted"):
        del numbers.single
    assert not hasattr(numbers, "__dict__")


def test_a_section_takes_its_settings_by_name_only() -> None:
    section: Any = Numbers
    with pytest.raises(TypeError, match="positional"):
        section("a")


def test_a_replaced_setting_is_validated_and_the_others_stay() -> None:
    numbers = Numbers(name="a", notes={"b": "c"})
    assert numbers.replace(name=" d ") == Numbers(name="d", notes={"b": "c"})
    assert numbers.name == "a"
    with pytest.raises(SettingsError, match="single: given 0, expected at least 1"):
        numbers.replace(single=0)
    with pytest.raises(SettingsError, match="did you mean 'single'"):
        numbers.replace(sinle=1)


def test_defaults_that_follow_from_others_follow_a_replaced_one() -> None:
    assert Numbers(name="a").replace(single=5).double == 10
    assert Numbers(name="a", double=7).replace(single=5).double == 7
    assert OtlpExporter().replace(protocol="grpc").endpoint == "http://localhost:4317"


def test_a_replaced_setting_of_the_whole_keeps_what_its_preset_set() -> None:
    settings = TelemetrySettings(preset="production", service_name="a").replace(service_name="b")
    assert settings == TelemetrySettings(preset="production", service_name="b")


def test_it_is_known_what_was_given() -> None:
    assert TelemetrySettings().fields_set == frozenset()
    settings = TelemetrySettings(service_name="a", tracing={"enabled": True})
    assert (settings.fields_set, settings.tracing.fields_set) == ({"service_name", "tracing"}, {"enabled"})
    assert settings.replace(environment="b").fields_set == {"service_name", "tracing", "environment"}


def test_sections_are_equal_when_class_and_values_are_and_not_by_what_was_given() -> None:
    assert Numbers(name="a") == Numbers(name=" a", single="1", double=2)  # type: ignore[arg-type]
    assert Numbers(name="a") != Numbers(name="b")
    assert Numbers(name="a", single=5) != MoreNumbers(name="a")
    assert Numbers(name="a") != "a"


def test_sections_without_mappings_can_be_hashed() -> None:
    assert len({TracingSettings(), TracingSettings(sample_rate=1), TracingSettings(sample_rate=0)}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Numbers(name="a"))


def test_the_repr_is_the_call_that_makes_an_equal_one() -> None:
    numbers = Numbers(name="a", notes={"b": "c"})
    assert repr(numbers) == "Numbers(name='a', single=1, double=2, triple=3, notes={'b': 'c'})"
    assert eval(repr(numbers)) == numbers


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_copy_is_equal_and_knows_what_was_given(copied: Any) -> None:
    settings = TelemetrySettings(preset="high_load", logs={"exporters": [{"type": "otlp", "headers": {"k": "v"}}]})
    again = copied(settings)
    assert again == settings
    assert again.fields_set == settings.fields_set


def test_no_two_sections_share_a_mapping() -> None:
    assert Numbers(name="a").notes is not Numbers(name="a").notes


@pytest.mark.parametrize(
    "options",
    [{"headers": {"k": ["s3cret"]}}, {"header": "s3cret"}, {"token": "s3cret"}, {"tls": {"password": "s3cret"}}],
    ids=str,
)
def test_an_exporter_that_is_made_by_itself_shows_no_secret_either(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"given \[REDACTED\]") as caught:
        OtlpExporter(**options)
    assert "s3cret" not in str(caught.value)


def test_settings_load_no_library_for_validation() -> None:
    code = "import sys, heliograph; print(sorted({'pydantic', 'pydantic_core', 'attr', 'difflib'} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.strip() == "[]"
