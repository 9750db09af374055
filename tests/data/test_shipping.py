"""Data on its way to another machine: it arrives as it was, and is read there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dl.config.load import Loaded, load_config
from dl.data import shipping
from dl.data.load import read_dataset
from dl.data.shipping import (
    is_here,
    is_kept,
    moved,
    name_of,
    pack_files,
    shipment_of,
    unpack_files,
)
from dl.errors import DataError
from dl.progress import SilentReporter

CONFIG = """\
data: {source: csv, path: rows.csv, test_path: more/rows.csv, target: y}
model: {layers: [{type: Dense, units: 1}]}
training: {loss: mean_squared_error}
"""
ROWS = "x,y\n" + "".join(f"{number},{number * 2}\n" for number in range(30))


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    (tmp_path / "more").mkdir()
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / "more/rows.csv").write_text("x,y\n1,2\n")
    (tmp_path / "config.yaml").write_text(CONFIG)
    return load_config(tmp_path / "config.yaml")


def test_files_that_moved_are_the_same_data(
    loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "PIECE", 512)  # so that there are several
    before = read_dataset(loaded, SilentReporter())
    shipment = shipment_of(loaded.config)
    pieces: list[bytes] = []
    pack_files(shipment, pieces.append)
    (tmp_path / "rows.csv").unlink()
    assert len(pieces) > 2
    assert not is_here(shipment)
    assert not is_kept(shipment, tmp_path / "cache")
    unpack_files(shipment, pieces, tmp_path / "cache")
    assert is_kept(shipment, tmp_path / "cache")
    after = read_dataset(moved(loaded, shipment, tmp_path / "cache"), SilentReporter())
    assert after.preprocessing == before.preprocessing
    assert after.sizes() == before.sizes()


def test_a_file_that_differs_is_not_here(loaded: Loaded, tmp_path: Path) -> None:
    shipment = shipment_of(loaded.config)
    assert is_here(shipment)
    (tmp_path / "rows.csv").write_text(ROWS.replace("29,58", "29,59"))
    assert not is_here(shipment)


def test_a_damaged_cache_is_made_anew(loaded: Loaded, tmp_path: Path) -> None:
    shipment = shipment_of(loaded.config)
    kept = tmp_path / "cache" / name_of(shipment) / "path"
    kept.mkdir(parents=True)
    (kept / "rows.csv").write_text("x,y\n")
    assert not is_kept(shipment, tmp_path / "cache")
    pieces: list[bytes] = []
    pack_files(shipment, pieces.append)
    unpack_files(shipment, pieces, tmp_path / "cache")
    assert is_kept(shipment, tmp_path / "cache")


def test_files_that_changed_since_the_sweep_began_are_refused(
    loaded: Loaded, tmp_path: Path
) -> None:
    shipment = shipment_of(loaded.config)
    (tmp_path / "rows.csv").write_text(ROWS.replace("29,58", "29,59"))
    pieces: list[bytes] = []
    pack_files(shipment, pieces.append)
    with pytest.raises(DataError, match=r"rows\.csv: has changed since the sweep began"):
        unpack_files(shipment, pieces, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_folder_travels_with_its_folders(tmp_path: Path) -> None:
    for name in ("cat/1.png", "dog/2.png", ".hidden/3.png"):
        (tmp_path / "pictures" / name).parent.mkdir(parents=True)
        (tmp_path / "pictures" / name).write_bytes(name.encode())
    (tmp_path / "config.yaml").write_text(
        "data: {source: images, path: pictures}\n"
        "model: {layers: [Flatten, {type: Dense, units: 1, activation: sigmoid}]}\n"
        "training: {loss: binary_crossentropy}\n"
    )
    shipment = shipment_of(load_config(tmp_path / "config.yaml").config)
    assert [file.place for file in shipment] == [
        "path/pictures/cat/1.png",
        "path/pictures/dog/2.png",
    ]


def test_made_up_rows_need_no_files(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        CONFIG.splitlines()[0].replace(
            "{source: csv, path: rows.csv, test_path: more/rows.csv, target: y}",
            "{source: synthetic, dataset: linear}",
        )
        + "\n"
        + "\n".join(CONFIG.splitlines()[1:])
    )
    shipment = shipment_of(load_config(tmp_path / "config.yaml").config)
    assert shipment == ()
    assert is_here(shipment)
