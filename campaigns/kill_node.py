"""Kills nodes of a Ray cluster, and the sweep on it, at random moments; compares with a local one.

python -m campaigns.kill_node [--seed 1] [--size 10] [--trials 24]

The cluster has two nodes on this machine. By turns the second node is killed, which another one
replaces before it is killed the next time, and the command with its processes, which is resumed.
At the end the leaderboard must be that of a sweep on this machine that nobody disturbed, byte for
byte, and the journal must know each training once.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import tempfile
import time
from pathlib import Path

from campaigns.kill_sweep import (
    BASE,
    SWEEP,
    begun,
    ended,
    kill_children,
    report,
    start,
    wait_for_a_training,
)

_STORE = 100 << 20
"""Bytes of a node's object store, the least that Ray takes."""


def main() -> None:
    """Runs the campaign and prints what it found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=10, help="how often something is killed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trials", type=int, default=24)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "base.yaml").write_text(BASE)
        sweep = SWEEP.replace("trials: 24", f"trials: {options.trials}")
        (folder / "sweep.yaml").write_text(sweep)
        start(folder, "whole").wait()
        kills = _disturbed(folder, options.size, random.Random(options.seed))
        report(folder, kills)


class _Nodes:
    """A cluster of two nodes with one CPU each."""

    def __init__(self) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 1, "object_store_memory": _STORE, "include_dashboard": False}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self._second = self._added()

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def kill(self) -> None:
        """Kills the second node and all of its processes."""
        self._cluster.remove_node(self._second, allow_graceful=False)
        self._second = None

    def complete(self) -> None:
        """Adds a second node if there is none."""
        self._second = self._second or self._added()

    def close(self) -> None:
        """Ends the cluster, without a farewell that may wait for what is gone."""
        if self._second is not None:
            self.kill()
        self._cluster.remove_node(self._cluster.head_node, allow_graceful=False)
        self._cluster.shutdown()

    def _added(self) -> object:
        return self._cluster.add_node(num_cpus=1, object_store_memory=_STORE)


def _disturbed(folder: Path, size: int, chance: random.Random) -> int:
    """Runs the sweep on a cluster to its end, and kills meanwhile; returns the kills."""
    nodes = _Nodes()
    try:
        process = _start(folder, nodes)
        for kill in range(size):
            if kill % 2 == 0 or kill + 1 < size:
                nodes.complete()
            wait_for_a_training(folder, process)
            time.sleep(chance.uniform(0, 1))
            if process.poll() is not None:
                return kill
            if kill % 2 == 0:
                nodes.kill()
            else:
                kill_children(process.pid)
                process.kill()
                process.wait()
                process = _start(folder, nodes)
            victim = "sweep" if kill % 2 else "node"
            print(f"kill {kill + 1}, a {victim}: {ended(folder)} trainings are known", flush=True)
        process.wait()
        return size
    finally:
        nodes.close()


def _start(folder: Path, nodes: _Nodes) -> subprocess.Popen[bytes]:
    resume = ["--resume"] if begun(folder) else []
    return start(folder, "killed", "--on", "ray", "--address", nodes.address, *resume)


if __name__ == "__main__":
    main()
