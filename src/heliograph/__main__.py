"""``python -m heliograph``: the same as the ``heliograph`` command."""

from heliograph.cli.app import app

if __name__ == "__main__":
    app(prog_name="heliograph")
