"""The conformance suite of exporters finds what is wrong with one, and nothing wrong with one that is right."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

# An exporter as a user writes one, and below it what may be wrong with it.
RIGHT = """
from contextlib import contextmanager

from heliograph.pipeline.outcome import Delivered
from heliograph.testing import ExporterConformance, ExporterSubject


class ListExporter:
    takes_items = True

    def __init__(self, there):
        self.there = there

    def prepare(self, batch):
        lines, broken = [], 0
        for span in batch.items:
            try:
                lines.append(f"{span.name} {span.context.trace_id.to_bytes(16, 'big').hex()}")
            except OverflowError:
                broken += 1

        def send(timeout_s):
            self.there += lines
            return Delivered(unencodable=broken)

        return send

    def close(self):
        pass


class TestListExporter(ExporterConformance):
    signals = ("traces",)

    @contextmanager
    def subject(self, signal, folder):
        there = []
        yield ExporterSubject(exporter=ListExporter(there), arrived=lambda: "\\n".join(there))
"""

WRONG = [
    ("except OverflowError", "except ZeroDivisionError", "costs_no_sibling"),  # raises for a broken item
    ("Delivered(unencodable=broken)", "Delivered()", "the_account_agrees"),  # does not say what it left out
    ("            self.there += lines\n", "", "what_is_prepared_and_sent_arrives"),  # sends nothing
    ("            self.there += lines\n", "            self.there += lines[:100]\n", "many_items_arrive"),  # loses some
    ("        def send", "        self.there += lines\n\n        def send", "nothing_is_sent_before"),  # sends too early
    (
        "            self.there += lines\n",
        "            self.there.append(lines.pop())\n",
        "can_be_sent_again",
    ),  # uses itself up
    ("takes_items = True", "takes_items = None", "says_what_it_wants"),
    ("        pass\n", "        del self.there\n", "closing_is_possible"),  # only once
]


def test_a_right_exporter_passes_and_a_wrong_one_fails_the_test_that_says_so(pytester: pytest.Pytester) -> None:
    assert all(right in RIGHT for right, _wrong, _failing in WRONG)
    wrong = {f"test_wrong_{at}": RIGHT.replace(right, wrong) for at, (right, wrong, _failing) in enumerate(WRONG)}
    pytester.makepyfile(test_right=RIGHT, **wrong)
    # All in one run of pytest, which takes longer to start than they do.
    ended = pytester.runpytest_inprocess("--tb=no", "-rf", "-p", "no:randomly").stdout
    assert "FAILED test_right.py" not in ended.str()
    ended.fnmatch_lines_random([f"FAILED test_wrong_{at}.py*{failing}*" for at, (_, _, failing) in enumerate(WRONG)])


def test_who_says_not_how_it_is_made_is_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "from heliograph.testing import ExporterConformance\n\nclass TestIt(ExporterConformance):\n    signals = ('logs',)\n"
    )
    ended = pytester.runpytest_inprocess("--tb=line", "-k", "can_be_sent_again")
    ended.stdout.fnmatch_lines(["*NotImplementedError: TestIt is to override subject(signal, folder)"])
