"""Where threads are greenlets of gevent's the endpoint answers without an event loop, and a forked child is free of it."""

from __future__ import annotations

from tests.support.interpreter import run_script

SERVING = """
    from gevent import monkey
    monkey.patch_all()
    import asyncio, os, sys, urllib.request
    import gevent
    from heliograph import TelemetryManager

    options = {"tracing": {"exporters": []}, "logs": {"enabled": False}, "system": {"enabled": False}}
    telemetry = TelemetryManager.start("shop", server={"port": 0}, metrics={"exporters": ["prometheus"]}, **options)
    telemetry.increment_counter("orders", 3)

    def scraped(path="/metrics", **headers):
        request = urllib.request.Request(telemetry.endpoint_url + path, headers=headers)
        return urllib.request.urlopen(request, timeout=5).read().decode()

    async def work():
        await asyncio.sleep(0.01)
        return "worked"
"""


def script(body: str) -> tuple[str, str]:
    return run_script(SERVING + body, environ={"HELIOGRAPH_ENABLED": "true"})


def test_it_answers_many_at_once_beside_an_event_loop_of_the_application() -> None:
    out, err = script("""
    greenlets = [gevent.spawn(scraped) for _number in range(8)]
    gevent.joinall(greenlets, timeout=5)
    print({"orders_total 3.0" in greenlet.value for greenlet in greenlets}, "status" in scraped("/health"))
    print(asyncio.run(work()))
    print(telemetry.shutdown().is_complete)
""")
    assert (out, err) == ("{True} True\nworked\nTrue\n", "")


def test_who_asks_and_goes_or_talks_nonsense_disturbs_nobody() -> None:
    out, err = script("""
    import socket
    port = int(telemetry.endpoint_url.split(":")[2])
    for said in (b"", b"GET", b"\\x00\\xff\\r\\n\\r\\n", b"GET /metrics HTTP/1.1\\r\\n\\r\\n"):
        with socket.create_connection(("127.0.0.1", port)) as asking:
            asking.sendall(said)
    gevent.sleep(0.05)
    print("orders_total 3.0" in scraped())
    telemetry.shutdown()
""")
    assert (out, err) == ("True\n", "")


def test_a_forked_child_does_not_answer_for_its_parent_and_ends_quietly() -> None:
    out, err = script("""
    scraped()
    child = os.fork()
    if child == 0:
        gevent.sleep(0.1)
        print(telemetry.endpoint_url, telemetry.is_running, flush=True)
        telemetry.increment_counter("orders", 1)
        telemetry.shutdown()
        gevent.sleep(0.1)  # the greenlets of before would have their turn
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "orders_total 3.0" in scraped())
    telemetry.shutdown()
""")
    assert (out, err) == ("None True\n0 True\n", "")


def test_the_port_is_free_after_a_shutdown() -> None:
    out, err = script("""
    port = int(telemetry.endpoint_url.split(":")[2])
    scraped()
    telemetry.shutdown()
    again = TelemetryManager.start("shop", server={"port": port}, metrics={"exporters": ["prometheus"]}, **options)
    print(again.endpoint_url.endswith(str(port)))
    again.shutdown()
""")
    assert (out, err) == ("True\n", "")
