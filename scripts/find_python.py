"""Print the path of a working interpreter of the version given (such as 3.12); exit 1 when there is none.

Looks on the PATH and where pyenv keeps its versions, and asks each candidate for its version, since a pyenv shim may exist
for a version that is not active.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def candidates(version: str) -> Iterator[str]:
    """Every place where that version may be."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from (str(path) for path in sorted(root.glob(f"versions/{version}.*/bin/python{version}")))
    if found := shutil.which(f"python{version}"):
        yield found


def works(python: str, version: str) -> bool:
    """Whether ``python`` runs and is that version."""
    asked = [python, "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)  # a path found above
    return answer.returncode == 0 and answer.stdout.strip() == version


if __name__ == "__main__":
    wanted = sys.argv[1]
    working = next((python for python in candidates(wanted) if works(python, wanted)), None)
    if working is None:
        sys.exit(1)
    print(working)
