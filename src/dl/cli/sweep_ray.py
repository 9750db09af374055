"""The server of a sweep on a Ray cluster, run as a module: it is Ray's driver.

In a process of its own, so that what Ray writes goes into the sweep's log, and that the command
outlives it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from multiprocessing.connection import Connection
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dl.cli.sweep_node import NodeTrainer, Parcel
    from dl.cli.sweep_trainer import Variants
    from dl.data.shipping import Shipment
    from dl.sweep.pools.tasks import Task


class EngineParcels:
    """Prepares what nodes need to train with `dl.engine`."""

    def __init__(self, variants: Variants) -> None:
        self._variants = variants
        self._shipments: dict[str, Shipment] = {}

    def prepare(self) -> Mapping[str, float]:
        """Reads the data; returns the metrics of a trivial answer, means over the repeats."""
        from dl.config.load import load_config
        from dl.data.baseline import trivial_metrics
        from dl.data.load import Datasets
        from dl.progress import SilentReporter

        base, datasets = self._variants.base, Datasets(most_bytes=0)
        loaded = [load_config(base, overrides) for overrides in self._variants.overrides]
        baseline = [
            trivial_metrics(each.config, datasets.get(each, SilentReporter())) for each in loaded
        ]
        return {name: fmean(each[name] for each in baseline) for name in baseline[0]}

    def parcel(self, task: Task) -> Parcel:
        """Returns the config of a trial, and which files it reads; raises `DlError`."""
        from dl.cli.sweep_node import Parcel
        from dl.config.load import load_config
        from dl.data.shipping import name_of, shipment_of
        from dl.runs.files import disk_error

        loaded = load_config(task.base, task.overrides)
        key = loaded.config.data.model_dump_json()
        if key not in self._shipments:
            try:
                self._shipments[key] = shipment_of(loaded.config)
            except OSError as error:
                raise disk_error(error, "reading the data") from error
        shipment = self._shipments[key]
        return Parcel(loaded, shipment, name_of(shipment))

    def pack_data(self, parcel: Parcel, put: Callable[[bytes], None]) -> None:
        """Hands over the files of a trial's data in pieces; raises `DiskError`."""
        from dl.data.shipping import pack_files
        from dl.runs.files import disk_error

        try:
            pack_files(parcel.shipment, put)
        except OSError as error:
            raise disk_error(error, "reading the data") from error

    @property
    def on_node(self) -> Callable[[], NodeTrainer]:
        """What makes the trainer of a process of a node."""
        from dl.cli.sweep_node import NodeTrainer

        return NodeTrainer


def main(arguments: Sequence[str]) -> None:
    """Runs the server: a descriptor, a log file, the variants, resources, jobs and the address."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from dl.sweep.pools.server import serve

    descriptor, log, *own = arguments
    serve(descriptor, log, partial(_work, own))


def _work(own: Sequence[str], client: Connection) -> None:
    from dl.cli.sweep_trainer import Variants
    from dl.sweep.definition.schema import Resources
    from dl.sweep.pools.cluster import Needs
    from dl.sweep.pools.on_ray import RayCluster, connect
    from dl.sweep.pools.remote import RemoteServer
    from dl.sweep.pools.server import Ready

    variants, given, jobs, address = own
    trainer = EngineParcels(Variants.of(variants))
    resources = Resources.model_validate_json(given)
    needs = Needs(resources.cpus or 1, resources.gpus)
    with connect(address or None):
        cluster = RayCluster(needs, int(jobs) if jobs else None)
        client.send(Ready(dict(trainer.prepare()), cluster.jobs))
        RemoteServer(client, cluster, trainer, needs.cpus).run()


if __name__ == "__main__":
    main(sys.argv[1:])
