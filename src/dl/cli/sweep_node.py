"""What a trial of a sweep is on a node of a cluster: a training whose config was sent along."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dl.config.load import Loaded
    from dl.data.load import Datasets
    from dl.data.shipping import Shipment
    from dl.engine.training.reuse import Programs
    from dl.sweep.pools.tasks import Listener, Result, Task


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a node needs for a trial.

    Attributes:
        loaded: The config; it says where the data is on the machine of the sweep.
        shipment: The files of the data.
        data: Names the data by its content.
    """

    loaded: Loaded
    shipment: Shipment
    data: str


class NodeTrainer:
    """Trains with `dl.engine` in a process of a node; what it has read and traced stays warm."""

    def __init__(self) -> None:
        from dl.data.load import Datasets
        from dl.engine.training.reuse import Programs

        self._datasets: Datasets = Datasets()
        self._programs: Programs = Programs()

    def begin(self, threads: int) -> None:
        """Gives TensorFlow its threads."""
        from dl.engine.environment import use_threads

        use_threads(threads)

    def has_data(self, parcel: Parcel) -> bool:
        """Tells whether the files are at their paths, or in this node's cache."""
        from dl.data.shipping import is_here, is_kept

        return is_here(parcel.shipment) or is_kept(parcel.shipment, _cache())

    def take_data(self, parcel: Parcel, pieces: Iterable[bytes]) -> None:
        """Keeps the files in this node's cache; raises `DiskError`, or `DataError`."""
        from dl.data.shipping import unpack_files
        from dl.runs.files import disk_error

        try:
            unpack_files(parcel.shipment, pieces, _cache())
        except OSError as error:
            raise disk_error(error, f"keeping the data in {_cache()}") from error

    def train(self, task: Task, parcel: Parcel, listener: Listener) -> Result:
        """Trains a trial; the run that it makes names the files where the sweep has them."""
        from dl.cli.sweep_trainer import train_trial

        dataset = self._dataset(parcel)
        return train_trial(task, parcel.loaded, dataset, self._programs, listener)

    def _dataset(self, parcel: Parcel) -> Any:
        from dl.data.shipping import is_here, moved
        from dl.progress import SilentReporter

        loaded = parcel.loaded
        if not is_here(parcel.shipment):
            loaded = moved(loaded, parcel.shipment, _cache())
        return self._datasets.get(loaded, SilentReporter())


def _cache() -> Path:
    from dl.sweep.pools.node import node_folder

    return node_folder() / "data"
