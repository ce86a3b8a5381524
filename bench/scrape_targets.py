"""Simulated exporters for `scrape.py`: one process, one port, any number of targets by path.

Pages have the same lines with other values each time, as an exporter's do: a third of the counters and most gauges
move. They are made and compressed beforehand, so that serving costs next to nothing.
"""

import asyncio
import gzip
import random
import sys

VARIANTS = 8
FAMILIES = (("http_requests_total", "counter", 200), ("http_request_duration_seconds", "histogram", 300),
            ("process_cpu_seconds_total", "counter", 20), ("queue_depth", "gauge", 80),
            ("memory_bytes", "gauge", 60), ("temperature_celsius", "gauge", 40))  # fmt: skip


def lines_of(variant: int, count: int) -> list[str]:
    """A page of `count` samples with help and type of each family."""
    random.seed(1)
    page: list[str] = []
    total = sum(size for _, _, size in FAMILIES)
    for name, kind, size in FAMILIES:
        page += [f"# HELP {name} Simulated {kind} of the benchmark.", f"# TYPE {name} {kind}"]
        for number in range(max(1, size * count // total)):
            base, moves = random.randrange(10**6), random.random() < 0.6
            value = base + (variant * random.randrange(1, 100) if moves else 0)
            path, code = f"/api/v1/resource{number % 25}", 200 + number % 5
            shown = f"{value / 1000:.3f}" if kind == "gauge" and number % 2 else str(value)
            if kind == "histogram":
                page.append(f'{name}_bucket{{handler="{path}",le="{number / 10}"}} {value}')
            else:
                page.append(f'{name}{{method="GET",handler="{path}",code="{code}",shard="{number}"}} {shown}')
    return page


class Exporter(asyncio.Protocol):
    answers: list[tuple[bytes, bytes]] = []
    served = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while b"\r\n\r\n" in self.rest:
            head, _, self.rest = self.rest.partition(b"\r\n\r\n")
            Exporter.served += 1
            plain, packed = self.answers[Exporter.served // 1000 % VARIANTS]
            self.transport.write(packed if b"gzip" in head.lower() else plain)


def answer(body: bytes, extra: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
    return head + extra + b"Content-Length: %d\r\n\r\n" % len(body) + body


async def serve(first_port: int, ports: int, count: int, compress: bool) -> None:
    for variant in range(VARIANTS):
        body = ("\n".join(lines_of(variant, count)) + "\n").encode()
        plain = answer(body, b"")
        packed = answer(gzip.compress(body, 5), b"Content-Encoding: gzip\r\n") if compress else plain
        Exporter.answers.append((plain, packed))
    loop = asyncio.get_running_loop()
    for port in range(first_port, first_port + ports):
        await loop.create_server(Exporter, "127.0.0.1", port, backlog=1024)
    print("ready", len(Exporter.answers[0][0]), len(Exporter.answers[0][1]), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "gzip"))
