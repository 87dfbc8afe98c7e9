"""What a receiver answered: how many items of an accepted request it refused, and why."""

from __future__ import annotations

from typing import Any

from heliograph.otlp.messages import SignalMessages


def partial_success(messages: SignalMessages, body: bytes) -> tuple[int, str]:
    """Read ``partial_success`` from a protobuf answer: (refused items, reason). An unreadable or empty body means none."""
    if not body:
        return 0, ""
    from google.protobuf.message import DecodeError  # noqa: PLC0415  # most answers are empty and need no protobuf

    try:
        answer: Any = messages.response.FromString(body)
    except DecodeError:
        return 0, ""
    partial = answer.partial_success
    return max(0, getattr(partial, messages.rejected)), partial.error_message
