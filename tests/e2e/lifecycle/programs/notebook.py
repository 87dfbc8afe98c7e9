"""A notebook with a real kernel: its cell, which starts telemetry and does the units, is run again. ``notebook.py 24``."""

from __future__ import annotations

import sys
import warnings

warnings.simplefilter("ignore")  # of the kernel's client, which is not what is tested

from jupyter_client.manager import start_new_kernel  # noqa: E402

_CELL = """
from tests.e2e.lifecycle.programs import units
telemetry = units.start()
for number in range({first}, {last}):
    units.do(str(number))
"""

if __name__ == "__main__":
    count = int(sys.argv[1])
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=20)
    try:
        for first, last in ((0, count // 2), (count // 2, count)):
            answer = client.execute_interactive(_CELL.format(first=first, last=last), timeout=20)
            assert answer["content"]["status"] == "ok", answer
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
