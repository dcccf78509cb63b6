"""What one check of a wait costs a triggerer, next to what others take to ask the same."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.peers.looks import Looks, measure
from benchmarks.report import Row

WAITS, LOOKS, TURNS = 50, 4, 41
PEERS = {
    "raw": ("aiohttp, one session for all", 1.6),
    "http": ("HttpAsyncHook of the http provider, as HttpSensorTrigger calls it", 1 / 8),
}


def looks(bench: Bench) -> list[Row]:
    """Let waits for Kiban executions look over TLS, in turns with their peers."""
    bench.say(f"{TURNS * WAITS * LOOKS:,} looks of each kind, one after the other")
    found = measure(
        Looks(url=bench.bare_tls.url, waits=WAITS, looks=LOOKS, turns=TURNS), bench.bare_tls.certificate
    )
    return [
        Row(
            what=f"CPU a look at a Kiban execution; the bare server over TLS, {WAITS} waits, the median of "
            f"{TURNS} turns",
            value=found["ours"],
            unit="µs",
            peer=peer,
            peer_value=found[name],
            most=most,
        )
        for name, (peer, most) in PEERS.items()
    ]
