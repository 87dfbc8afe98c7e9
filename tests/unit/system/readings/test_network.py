"""What is said of the network is what psutil says of this machine's interfaces and connections."""

import socket

import psutil
import pytest

from heliograph.system.probe import Probe, Read
from heliograph.system.readings import network


@pytest.mark.parametrize(
    ("read", "sent", "received"),
    [
        (network.io, "bytes_sent", "bytes_recv"),
        (network.packets, "packets_sent", "packets_recv"),
        (network.errors, "errout", "errin"),
        (network.dropped, "dropout", "dropin"),
    ],
)
def test_the_counters_of_interfaces_are_those_of_psutil(read: Read, sent: str, received: str) -> None:
    before = psutil.net_io_counters(pernic=True, nowrap=False)
    found = list(read(Probe()))
    after = psutil.net_io_counters(pernic=True, nowrap=False)
    for value, attributes in found:
        interface = attributes["network.interface.name"]
        field = {"transmit": sent, "receive": received}[attributes["network.io.direction"]]
        assert value is not None
        assert getattr(before[interface], field) <= value <= getattr(after[interface], field)
    moved = [name for name, counters in before.items() if counters.bytes_sent or counters.bytes_recv]
    assert len(found) >= 2 * len(moved)


def test_connections_are_counted_by_state() -> None:
    def listening() -> float:
        counts = {tuple(attributes.values()): value or 0.0 for value, attributes in network.connections(Probe())}
        return counts.get(("tcp", "listen"), 0.0)

    before = listening()
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(10)]
    during = listening()
    for server in servers:
        server.close()
    assert during >= before + 5  # one of another test may have closed meanwhile


def test_what_has_no_connections_has_no_state() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        found = [attributes for _value, attributes in network.connections(Probe())]
    assert {"network.transport": "udp"} in found
