"""`dl init` of files that hold a row each: folders of sounds, and tables that list files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from scipy.io import wavfile

from dl.config.load import load_text
from dl.data.load import load_dataset
from dl.init.draft import first_config
from dl.model.build import build_model
from dl.progress import SilentReporter
from support.nifti import save_nifti

RANDOM = np.random.default_rng(0)


def shape_of_outputs(folder: Path, text: str) -> tuple[int | None, ...]:
    """Reads the data as the config says, and returns what its network gives for it."""
    config = load_text(folder / "first.yaml", text.encode()).config
    data = load_dataset(config, SilentReporter())
    shape: tuple[int | None, ...] = build_model(config, data.preprocessing.input_shape).output_shape
    return shape


def save_sound(path: Path, rate: int, samples: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, RANDOM.normal(0, 0.1, samples).astype(np.float32))


def save_pictures(folder: Path, count: int) -> list[str]:
    folder.mkdir(parents=True)
    for i in range(count):
        Image.fromarray(RANDOM.integers(0, 256, (9, 12), np.uint8)).save(folder / f"{i:03d}.png")
    return [f"{i:03d}" for i in range(count)]


@pytest.mark.parametrize("parts", [("",), ("train", "test")], ids=["whole", "in parts"])
def test_folder_of_sounds_has_a_config(parts: tuple[str, ...], tmp_path: Path) -> None:
    for part in parts:
        for name in ("no", "yes", "stop"):
            for i in range(12):
                samples = 48_000 if i == 0 else 8_000 + 100 * i
                save_sound(tmp_path / part / name / f"{i}.wav", 22_050, samples)
    text = first_config(tmp_path, [])
    said = yaml.safe_load(text)["data"]
    assert (said["source"], said["rate"], said["seconds"]) == ("audio", 16_000, 0.41)
    assert ("test_path" in said) == (len(parts) == 2)
    assert "usually they have 22,050 samples a second" in text
    assert shape_of_outputs(tmp_path, text) == (None, 3)


@pytest.mark.parametrize(
    ("values", "units"),
    [(["cat", "dog"] * 20, 1), ([i / 7 for i in range(40)], 1), (["a", "b", "c", "d"] * 10, 4)],
    ids=["two classes", "numbers", "four classes"],
)
def test_table_that_lists_pictures_has_a_config(
    values: list[object], units: int, tmp_path: Path
) -> None:
    ids = save_pictures(tmp_path / "photos", 40)
    rows = [f"{len(name)},{name},{value}" for name, value in zip(ids, values, strict=True)]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["age,id,kind", *rows]))
    text = first_config(table, ["kind"])
    said = yaml.safe_load(text)["data"]
    assert said["path"] == str(tmp_path / "photos")
    assert (said["table"], said["column"], said["ending"]) == (str(table), "id", ".png")
    assert said["image_size"] == [9, 12]
    assert shape_of_outputs(tmp_path, text) == (None, units)


def test_names_may_have_their_ending_and_their_folder(tmp_path: Path) -> None:
    ids = save_pictures(tmp_path / "photos", 40)
    rows = [f"photos/{name}.png,{'xy'[i % 2]}" for i, name in enumerate(ids)]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["file,kind", *rows]))
    said = yaml.safe_load(first_config(table, ["kind"]))["data"]
    assert said["path"] == str(tmp_path)
    assert "ending" not in said


def test_table_beside_pictures_that_it_does_not_list_is_a_table(tmp_path: Path) -> None:
    save_pictures(tmp_path / "photos", 2)
    rows = [f"{i % 5},{i % 7},{'xy'[i % 2]}" for i in range(40)]
    table = tmp_path / "rows.csv"
    table.write_text("\n".join(["a,b,kind", *rows]))
    assert yaml.safe_load(first_config(table, ["kind"]))["data"]["source"] == "csv"


@pytest.mark.parametrize(("low", "intensity"), [(-1000, [-1000, 400]), (0, [0.2, 19.8])])
def test_folder_of_volumes_has_a_config(low: int, intensity: list[float], tmp_path: Path) -> None:
    for name in ("healthy", "ill"):
        for i in range(6):
            values = np.linspace(low, 20, 12 * 12 * 8 + i)[: 12 * 12 * 8].reshape(12, 12, 8)
            save_nifti(tmp_path / name / f"{i}.nii.gz", values.astype("<f4"))
    text = first_config(tmp_path, [])
    said = yaml.safe_load(text)["data"]
    assert (said["source"], said["volume_size"]) == ("nifti", [12, 12, 8])
    assert said["intensity"] == pytest.approx(intensity, abs=0.1)
    assert "usually they have 12 x 12 x 8" in text
    assert shape_of_outputs(tmp_path, text) == (None, 1)


def test_table_that_lists_volumes_has_a_config(tmp_path: Path) -> None:
    for i in range(12):
        save_nifti(tmp_path / "scans" / f"{i:02}.nii.gz", np.full((8, 8, 8), i, "<f4"))
    rows = "".join(f"{i:02},{'ill' if i % 2 else 'healthy'}\n" for i in range(12))
    (tmp_path / "labels.csv").write_text("id,state\n" + rows)
    said = yaml.safe_load(first_config(tmp_path / "labels.csv", ["state"]))["data"]
    assert (said["source"], said["column"], said["ending"]) == ("nifti", "id", ".nii.gz")
