"""What the tests of streamed data share: tiny budgets, and the comparison with rows in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from dl.config.schema import Config
from dl.data import read, storage, tokens
from dl.data.dataset import Dataset
from dl.data.load import load_dataset
from dl.data.types import Part
from dl.progress import SilentReporter


class Notes(SilentReporter):
    """Collects notes, too."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@contextmanager
def tiny_budget() -> Iterator[None]:
    """Streams everything that can be streamed, in blocks of a few rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read, "memory_budget", lambda setting: 0)
        patch.setattr(tokens, "_BLOCK_BYTES", 1000)
        patch.setattr(storage, "_WINDOW", 300)
        yield


def both(config: Config) -> tuple[Dataset, Dataset, list[str], list[str]]:
    """Returns the data in memory and streamed, and the warnings of each."""
    resident, streamed = SilentReporter(), SilentReporter()
    in_memory = load_dataset(config, resident)
    with tiny_budget():
        on_disk = load_dataset(config, streamed)
    assert on_disk.storage.streamed
    return in_memory, on_disk, resident.warnings, streamed.warnings


def assert_same(resident: Dataset, streamed: Dataset) -> None:
    """Compares everything but where the rows lie."""
    for name in ("train", "validation", "test"):
        first, second = getattr(resident, name), getattr(streamed, name)
        assert (first is None) == (second is None)
        if first is not None:
            _assert_same_rows(first, second)
    assert streamed.preprocessing == resident.preprocessing


def _assert_same_rows(resident: Part, streamed: Part) -> None:
    assert isinstance(resident.x, np.ndarray)
    assert not isinstance(streamed.x, np.ndarray)
    assert streamed.x.shape == resident.x.shape
    assert streamed.x.dtype == resident.x.dtype
    some = np.random.default_rng(0).permutation(len(resident))[: len(resident) // 2]
    np.testing.assert_array_equal(streamed.x[:], resident.x)
    np.testing.assert_array_equal(streamed.x[some], resident.x[some])
    np.testing.assert_array_equal(streamed.y[:], resident.y[:])
    np.testing.assert_array_equal(streamed.rows, resident.rows)
