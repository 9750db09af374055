"""How many rows a second a served run answers, in requests of one row each.

python benchmarks/serve.py RUN [--clients 32] [--seconds 10] [--mixed] [--runs runs]

Starts `dl serve` on a free port of this machine and asks it from as many connections as there are
clients, each with its next request once the last is answered. Prints rows a second and the
percentiles of the waiting times. Aim, on two quiet cores: 2,000 rows a second, 99 % below 50 ms.
With --mixed, every second request is one that has to be refused, and the growth of the memory is
told: `--mixed --seconds 600` must show none.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence

from models import DL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--runs", default="runs")
    parser.add_argument("--mixed", action="store_true")
    given = parser.parse_args()
    command = [DL, "serve", given.run, "--runs", given.runs, "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        address = served.stdout.readline().strip() if served.stdout else ""
        port = urllib.parse.urlsplit(address).port
        row = _row(address)
        refused = [row[:-1], b"{}", b"[1, 2]", row.replace(b": ", b": [1], ", 1), b"\xff" * 9999]
        requests = [_request(row)]
        if given.mixed:
            requests = [each for bad in refused for each in (*requests, _request(bad))]
        asyncio.run(_load(port, requests, given.clients, max(1, given.seconds / 20)))
        before, first = _processor_seconds(served.pid), _memory(served.pid)
        waits, seconds = asyncio.run(_load(port, requests, given.clients, given.seconds))
        used = _processor_seconds(served.pid) - before
        memory = _memory(served.pid)
        served.send_signal(signal.SIGTERM)
    waits.sort()
    print(f"{len(waits) / seconds:,.0f} rows a second from {given.clients} clients")
    for share in (0.5, 0.95, 0.99, 0.999):
        print(f"{100 * share:g} % within {1000 * waits[int(share * (len(waits) - 1))]:.1f} ms")
    print(f"{1e6 * used / len(waits):.0f} µs of a processor for a row; {memory} MB of memory")
    print(f"at most {memory - first} MB more than after the first twentieth of the time")
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"load of this machine, with this: {load}; processors: {os.cpu_count()}")


def _row(address: str) -> bytes:
    """Returns a row of usual values, as the service describes them."""
    with urllib.request.urlopen(f"{address}openapi.json") as answer:
        columns = json.load(answer)["components"]["schemas"]["Row"]["properties"]
    return json.dumps({n: c.get("examples", [None])[0] for n, c in columns.items()}).encode()


def _request(body: bytes) -> bytes:
    head = "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _load(
    port: int | None, requests: Sequence[bytes], clients: int, seconds: float
) -> tuple[list[float], float]:
    """Returns how long each request waited, and the seconds that all took."""
    waits: list[float] = []
    begun = time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in itertools.count():
            if time.perf_counter() > begun + seconds:
                break
            good = number % 2 == 0 or len(requests) == 1
            sent = time.perf_counter()
            writer.write(requests[number % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200" if good else b"HTTP/1.1 400"):
                raise SystemExit(f"not what was expected: {head!r}")
            size = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
            await reader.readexactly(int(size))
            waits.append(time.perf_counter() - sent)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return waits, time.perf_counter() - begun


def _processor_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["VmHWM"].split()[0]) // 1024


if __name__ == "__main__":
    main()
