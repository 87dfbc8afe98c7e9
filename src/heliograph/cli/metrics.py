"""``heliograph metrics``: what the catalogue knows, for people and for programs."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from heliograph.catalog.catalogue import BUILTIN, Catalogue
from heliograph.catalog.listing import as_json, as_text
from heliograph.catalog.page import as_markdown
from heliograph.errors import HeliographError
from heliograph.settings.loading.load import load

app = typer.Typer(name="metrics", help="The catalogue of metrics.", no_args_is_help=True)


@app.callback()
def metrics() -> None:
    """The catalogue of metrics."""


@app.command("list")
def list_metrics(
    is_json: Annotated[bool, typer.Option("--json", help="Every field, as JSON.")] = False,
    is_markdown: Annotated[bool, typer.Option("--markdown", help="The page of the documentation.")] = False,
    settings_file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="Settings whose metrics are listed as well.")
    ] = None,
) -> None:
    """List every metric: its name, kind, unit, name on /metrics and description."""
    if is_json and is_markdown:
        _end("was given --json and --markdown, expected one of them")
    catalogue = _catalogue_in(settings_file) if settings_file is not None else BUILTIN
    shape = as_json if is_json else as_markdown if is_markdown else as_text
    typer.echo(shape(catalogue).rstrip("\n"))


def _catalogue_in(file: str) -> Catalogue:
    """The catalogue of the settings in a file of any format."""
    try:
        return load(file=file, environ=os.environ).settings.metrics.full_catalogue
    except HeliographError as error:
        _end(str(error))


def _end(text: str) -> NoReturn:
    typer.echo(f"heliograph metrics list: {text}", err=True)
    sys.exit(2)
