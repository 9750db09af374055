"""What Prometheus is told of a served run, in its text format."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import accumulate

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: the buckets that Prometheus' own clients have."""


class Measured:
    """Counts requests and how long they took.

    Attributes:
        rows: Rows that were predicted.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets = [0] * (len(_BOUNDS) + 1)
        self._seconds = 0.0

    def add(self, path: str, status: int, seconds: float) -> None:
        """Counts a request; how long it took counts where rows were predicted."""
        self._requests[path, status] += 1
        if (path, status) == ("/predict", 200):
            self._buckets[bisect_left(_BOUNDS, seconds)] += 1
            self._seconds += seconds

    def text(self, waiting: int, batches: int) -> str:
        """Returns all of it.

        Args:
            waiting: Rows that wait, or are being predicted.
            batches: How many batches there were.
        """
        name, counts = "dl_predict_seconds", list(accumulate(self._buckets))
        bounds = (*map(str, _BOUNDS), "+Inf")
        lines = [
            "# HELP dl_requests_total Requests, by address and status.",
            "# TYPE dl_requests_total counter",
            *(
                f'dl_requests_total{{path="{path}",status="{status}"}} {count}'
                for (path, status), count in sorted(self._requests.items())
            ),
            *_single("dl_rows_total", "counter", "Rows that were predicted.", self.rows),
            *_single("dl_batches_total", "counter", "Batches that rows were gathered in.", batches),
            *_single("dl_rows_waiting", "gauge", "Rows that wait, or are predicted.", waiting),
            f"# HELP {name} Seconds from a request to its predictions.",
            f"# TYPE {name} histogram",
            *(f'{name}_bucket{{le="{le}"}} {n}' for le, n in zip(bounds, counts, strict=True)),
            f"{name}_sum {self._seconds:.6f}",
            f"{name}_count {counts[-1]}",
        ]
        return "\n".join(lines) + "\n"


def _single(name: str, kind: str, says: str, value: int) -> list[str]:
    return [f"# HELP {name} {says}", f"# TYPE {name} {kind}", f"{name} {value}"]
