"""How the metrics of network interfaces and connections are read. Rows: `table.py`."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import psutil

from heliograph.system.probe import Probe, Reading

_TRANSPORTS: Final = {socket.SOCK_STREAM: "tcp", socket.SOCK_DGRAM: "udp"}
# psutil's words for the states of a connection -> the conventions'; the others differ in case alone.
_STATES: Final = {"CLOSE": "closed", "SYN_RECV": "syn_received", "FIN_WAIT1": "fin_wait_1", "FIN_WAIT2": "fin_wait_2"}


def _both_ways(probe: Probe, sent: str, received: str) -> Iterator[Reading]:
    for interface, counters in probe.reads.interfaces.items():
        yield getattr(counters, sent), {"network.interface.name": interface, "network.io.direction": "transmit"}
        yield getattr(counters, received), {"network.interface.name": interface, "network.io.direction": "receive"}


def io(probe: Probe) -> Iterator[Reading]:
    return _both_ways(probe, "bytes_sent", "bytes_recv")


def packets(probe: Probe) -> Iterator[Reading]:
    return _both_ways(probe, "packets_sent", "packets_recv")


def errors(probe: Probe) -> Iterator[Reading]:
    return _both_ways(probe, "errout", "errin")


def dropped(probe: Probe) -> Iterator[Reading]:
    return _both_ways(probe, "dropout", "dropin")


def connections(probe: Probe) -> Iterator[Reading]:
    """Slow where there are many processes: each one's sockets are looked up."""
    counts = Counter(map(_described, psutil.net_connections("inet")))
    for (transport, state), count in counts.items():
        attributes = {"network.transport": transport}
        yield count, {**attributes, "network.connection.state": state} if state else attributes


def _described(connection: Any) -> tuple[str, str]:
    """Transport and state; what has no connections has none."""
    transport = _TRANSPORTS.get(connection.type, "other")
    if connection.status == psutil.CONN_NONE:
        return transport, ""
    return transport, _STATES.get(connection.status, connection.status.lower())
