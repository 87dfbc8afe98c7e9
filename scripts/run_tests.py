"""Run the tests: with arguments as pytest would, without any in two halves side by side.

The tests that talk to other programs mostly wait, and leave the processor to the others. Called by ``make test``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path("tests")
WAITING = {"e2e", "examples", "faults"}
NO_TESTS = {"__pycache__", "support"}


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0 when all tests of both halves passed."""
    pytest = [sys.executable, "-m", "pytest"]
    if arguments:
        return subprocess.call([*pytest, *arguments])
    folders = sorted(path for path in TESTS.iterdir() if path.is_dir() and path.name not in NO_TESTS)
    waiting = [str(folder) for folder in folders if folder.name in WAITING]
    busy = [str(folder) for folder in folders if folder.name not in WAITING]
    with tempfile.TemporaryFile() as output:
        aside = subprocess.Popen([*pytest, "-p", "no:cacheprovider", *waiting], stdout=output, stderr=subprocess.STDOUT)
        try:
            codes = [subprocess.call([*pytest, *busy]), aside.wait()]
        finally:
            if aside.poll() is None:
                aside.terminate()
                aside.wait()
        output.seek(0)
        sys.stdout.buffer.write(output.read())
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
