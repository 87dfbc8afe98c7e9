"""What users may import, and what our own modules may not."""

from __future__ import annotations

import ast
import importlib.metadata
from pathlib import Path

import heliograph

PACKAGE = Path(heliograph.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

PUBLIC = [
    "AlreadyStartedError",
    "CallableHealthCheck",
    "DiskSpaceHealthCheck",
    "ExportState",
    "ExportStatus",
    "HealthCheck",
    "HealthCheckError",
    "HealthCheckManager",
    "HealthCheckResult",
    "HealthReport",
    "HealthStatus",
    "HeliographError",
    "InstrumentError",
    "LedgerCounts",
    "MemoryHealthCheck",
    "NotStartedError",
    "SettingsError",
    "ShutdownReport",
    "TelemetryManager",
    "TelemetrySettings",
    "__version__",
]


def submodules():
    """The names below the package root that are modules or packages."""
    return {path.stem if path.is_file() else path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}


def imported_from_root(tree):
    """Each name that a module takes from the package root itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module == "heliograph":
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.Import):
            yield from (alias.asname or "heliograph" for alias in node.names if alias.name == "heliograph")


def test_the_public_names_are_these_and_each_is_there():
    assert heliograph.__all__ == PUBLIC
    assert all(hasattr(heliograph, name) for name in PUBLIC)


def test_nothing_else_without_an_underscore_is_in_the_package_root():
    # pytest puts names that begin with "@" into the modules of its plugins.
    others = {name for name in vars(heliograph) if not name.startswith(("_", "@"))} - set(PUBLIC)
    assert others <= submodules()


def test_the_version_is_that_of_the_installed_distribution():
    assert heliograph.__version__ == importlib.metadata.version("heliograph")


def test_no_module_imports_a_name_from_the_package_root_other_than_a_submodule():
    offenders = {
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in MODULES
        for name in imported_from_root(ast.parse(path.read_text(encoding="utf-8")))
        if name not in submodules()
    }
    assert len(MODULES) > 20
    assert offenders == set()


def test_every_module_is_one_of_the_package_and_imports_absolutely():
    relative = [
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert relative == []


def test_every_error_of_ours_is_a_heliograph_error_and_of_a_builtin_kind():
    errors = {name: getattr(heliograph, name) for name in PUBLIC if name.endswith("Error") and name != "HeliographError"}
    assert len(errors) == 5
    for error in errors.values():
        assert issubclass(error, heliograph.HeliographError)
        assert issubclass(error, (ValueError, RuntimeError, LookupError))


def test_the_package_is_marked_as_typed():
    assert (PACKAGE / "py.typed").is_file()
