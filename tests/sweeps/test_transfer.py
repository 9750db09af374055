"""Data on its way to another machine: it arrives as it was, and is read there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dl.config.load import Loaded, load_config
from dl.data.load import read_dataset
from dl.errors import DataError
from dl.progress import SilentReporter
from dl.sweeps.pools import transfer
from dl.sweeps.pools.transfer import (
    are_here,
    are_kept,
    data_files,
    name_of,
    receive_files,
    relocated,
    send_files,
)

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
    monkeypatch.setattr(transfer, "PIECE", 64)  # so that there are several
    before = read_dataset(loaded, SilentReporter())
    files = data_files(loaded.config)
    pieces: list[bytes] = []
    send_files(files, pieces.append)
    (tmp_path / "rows.csv").unlink()
    assert len(pieces) > 2
    assert not are_here(files)
    assert not are_kept(files, tmp_path / "cache")
    receive_files(files, pieces, tmp_path / "cache")
    assert are_kept(files, tmp_path / "cache")
    after = read_dataset(relocated(loaded, files, tmp_path / "cache"), SilentReporter())
    assert after.preprocessing == before.preprocessing
    assert after.sizes() == before.sizes()


def test_a_file_that_differs_is_not_here(loaded: Loaded, tmp_path: Path) -> None:
    files = data_files(loaded.config)
    assert are_here(files)
    (tmp_path / "rows.csv").write_text(ROWS.replace("29,58", "29,59"))
    assert not are_here(files)


def test_a_damaged_cache_is_made_anew(loaded: Loaded, tmp_path: Path) -> None:
    files = data_files(loaded.config)
    kept = tmp_path / "cache" / name_of(files) / "path"
    kept.mkdir(parents=True)
    (kept / "rows.csv").write_text("x,y\n")
    assert not are_kept(files, tmp_path / "cache")
    pieces: list[bytes] = []
    send_files(files, pieces.append)
    receive_files(files, pieces, tmp_path / "cache")
    assert are_kept(files, tmp_path / "cache")


def test_files_that_changed_since_the_sweep_began_are_refused(
    loaded: Loaded, tmp_path: Path
) -> None:
    files = data_files(loaded.config)
    (tmp_path / "rows.csv").write_text(ROWS.replace("29,58", "29,59"))
    pieces: list[bytes] = []
    send_files(files, pieces.append)
    with pytest.raises(DataError, match=r"rows\.csv: has changed since the sweep began"):
        receive_files(files, pieces, tmp_path / "cache")
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
    files = data_files(load_config(tmp_path / "config.yaml").config)
    assert [file.place for file in files] == [
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
    files = data_files(load_config(tmp_path / "config.yaml").config)
    assert files == ()
    assert are_here(files)
