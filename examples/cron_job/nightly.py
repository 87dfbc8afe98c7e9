"""Adds up the orders of a day: ``python nightly.py FOLDER``, run by cron.

Exits with 0 when all files were read, with 1 when some could not be, with 2 when there was nothing to do.
"""

from __future__ import annotations

import csv
import logging
import sys
import time
from pathlib import Path

from heliograph import TelemetryManager

log = logging.getLogger("nightly")


def add_up(folder: Path, telemetry: TelemetryManager) -> int:
    rows = telemetry.counter("nightly.rows", unit="{row}", description="Rows added up.")
    files = telemetry.counter("nightly.files", unit="{file}", description="Files read, by outcome.")
    found = sorted(folder.glob("*.csv"))
    total_eur = 0.0
    failures = 0
    for path in found:
        try:
            with telemetry.span("read file", {"file.name": path.name}) as span, path.open(newline="") as file:
                amounts = [float(row["amount_eur"]) for row in csv.DictReader(file)]
                span.set_attribute("nightly.rows", len(amounts))
        except (KeyError, ValueError, OSError) as error:
            log.error("%s was left out: %s: %s", path.name, type(error).__name__, error)  # noqa: TRY400
            files.add(1, {"outcome": "failed"})
            failures += 1
            continue
        rows.add(len(amounts))
        files.add(1, {"outcome": "read"})
        total_eur += sum(amounts)
    print(f"{total_eur:.2f} EUR in {len(found) - failures} files, {failures} left out")
    return 2 if not found else 1 if failures else 0


def main(folder: Path) -> int:
    telemetry = TelemetryManager.start()  # as heliograph.yaml says
    telemetry.instrument(logging=True)
    logging.basicConfig(format="%(levelname)s %(message)s trace=%(trace_id)s")
    with telemetry.span("nightly", {"nightly.folder": str(folder)}) as span:
        code = add_up(folder, telemetry)
        span.set_attribute("process.exit.code", code)
    telemetry.gauge("nightly.last_run.time", unit="s", description="When the job last ended.").set(
        time.time(), {"exit.code": code}
    )
    report = telemetry.shutdown()  # delivers within delivery.shutdown_timeout; the rest waits on disk for the next run
    if report.spooled:
        print(f"telemetry: {report.spooled} items wait for the collector", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
