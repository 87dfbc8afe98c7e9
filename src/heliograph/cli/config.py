"""``heliograph config``: what the settings are and where each is from, whether a file is right, what there is to set."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated

import typer

from heliograph.errors import SettingsError, SettingsFault
from heliograph.settings import PRESETS
from heliograph.settings.loading import listing
from heliograph.settings.loading.load import load, load_file

app = typer.Typer(name="config", help="The settings.", no_args_is_help=True)


@app.callback()
def config() -> None:
    """The settings."""


@app.command()
def show(
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="Read this file, not the one that would be found.")
    ] = None,
    is_json: Annotated[bool, typer.Option("--json", help="The same for programs.")] = False,
) -> None:
    """Show every setting as an application that starts here would have it: its value and where that is from.

    Header values, credentials in URLs and what is a secret by its name are not shown.
    """
    try:
        loaded = load(file=file, environ=os.environ)
    except SettingsError as error:
        typer.echo(f"heliograph config show: {error}", err=True)
        sys.exit(1)
    typer.echo(json.dumps(listing.as_mapping(loaded), indent=2) if is_json else listing.as_text(loaded))


@app.command()
def validate(file: Annotated[str, typer.Argument(metavar="FILE", help="YAML, TOML or JSON.")]) -> None:
    """Say everything that is wrong in a file, each with its line; exits with 1 if something is.

    The environment is only used for the variables that the file refers to.
    """
    try:
        loaded = load_file(file, environ=os.environ)
    except SettingsError as error:
        for fault in sorted(error.faults, key=_line):
            typer.echo(str(fault))
        sys.exit(1)
    for notice in loaded.notices:
        typer.echo(notice)
    typer.echo(f"{file}: no faults")


def _line(fault: SettingsFault) -> int:
    line = (fault.where or "").rpartition(":")[2]
    return int(line) if line.isdecimal() else 0


@app.command()
def schema() -> None:
    """Print the JSON Schema of a file, for editors."""
    from heliograph.settings.schema import json_schema  # no other command needs it  # noqa: PLC0415

    typer.echo(json.dumps(json_schema(), indent=2))


@app.command()
def preset(
    name: Annotated[str, typer.Argument(help=", ".join(PRESETS))],
    is_json: Annotated[bool, typer.Option("--json", help="JSON instead of YAML.")] = False,
) -> None:
    """Print what a preset sets, as a file of settings."""
    import yaml  # no other command needs it  # noqa: PLC0415

    if name not in PRESETS:
        typer.echo(f"heliograph config preset: was given {name!r}, expected one of {', '.join(PRESETS)}", err=True)
        sys.exit(2)
    values = PRESETS[name]
    typer.echo(json.dumps(values, indent=2) if is_json else yaml.safe_dump(values, sort_keys=False), nl=is_json)
