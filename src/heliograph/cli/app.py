"""The ``heliograph`` command: one function a subcommand, each a thin shell over the part that does the work."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from heliograph.__about__ import __version__
from heliograph.cli import config, doctor, exec, metrics  # noqa: A004  # the command's own name
from heliograph.errors import HeliographError

app = typer.Typer(
    name="heliograph",
    help="Observability for Python: traces, metrics, logs and health on OpenTelemetry.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(config.app)
app.add_typer(metrics.app)
app.command()(doctor.doctor)
app.command("exec", context_settings={"allow_interspersed_args": False})(exec.execute)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"heliograph {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Observability for Python: traces, metrics, logs and health on OpenTelemetry."""


@app.command()
def demo(
    duration: Annotated[float, typer.Option(min=0, help="Seconds of traffic.")] = 60.0,
    rate: Annotated[float, typer.Option(min=0.1, max=1000, help="Requests a second.")] = 20.0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of /metrics and /health; 0 for any.")] = 9464,
    service_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the demo's service; 0 for any.")] = 0,
    otlp: Annotated[str | None, typer.Option(metavar="URL", help="Send to this collector; gRPC if the port is 4317.")] = None,
    jaeger: Annotated[str | None, typer.Option(metavar="URL", help="Send traces to this Jaeger as well.")] = None,
    seed: Annotated[int, typer.Option(help="Makes the same choices each time.")] = 1,
    linger: Annotated[float, typer.Option(min=0, help="Seconds to serve /metrics after the traffic.")] = 0.0,
    directory: Annotated[str, typer.Option(help="Where traces and logs are written.")] = ".heliograph/demo",
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Run a small real service with a media pipeline behind it, drive it, and show what telemetry saw.

    Of its requests, 3% fail and 2% take 250 ms longer; of its videos, 4% fail. Ctrl-C and SIGTERM end it cleanly: what
    was accepted is delivered first.
    """
    # The demo brings a web server and a client with it; other commands do not wait for them to load.
    from heliograph.demo.run import DemoOptions, run_demo  # noqa: PLC0415

    options = DemoOptions(
        duration_s=duration,
        linger_s=linger,
        rate=rate,
        port=port,
        service_port=service_port,
        seed=seed,
        otlp=otlp,
        jaeger=jaeger,
        directory=directory,
    )
    try:
        summary = run_demo(options, say=lambda line: typer.echo(line, err=as_json))
    except HeliographError as error:
        typer.echo(f"heliograph demo: {error}", err=True)
        sys.exit(2)
    typer.echo(json.dumps(summary.as_mapping(), indent=2) if as_json else f"\n{summary.as_text()}")
