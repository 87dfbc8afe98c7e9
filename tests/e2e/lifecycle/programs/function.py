"""A function as AWS Lambda runs it: a line of standard input is an event, the answer a line of standard output.

Whoever sends the events stops the process as soon as it has the answer, and lets it go on with the next one.
"""

from __future__ import annotations

import sys
from typing import Any

from heliograph.integrations import aws_lambda
from tests.e2e.lifecycle.programs import units

units.start()


class Context:
    """What Lambda says of an invocation."""

    function_name = "units"

    def __init__(self, number: str) -> None:
        self.aws_request_id = f"request-{number}"

    def get_remaining_time_in_millis(self) -> int:
        return 3000


@aws_lambda.handler
def handle(event: dict[str, Any], context: Context) -> str:
    units.do(event["n"])
    return f"done {event['n']}"


if __name__ == "__main__":
    for line in sys.stdin:
        print(handle({"n": line.strip()}, Context(line.strip())), flush=True)
