"""The source `audio`: WAV files of any form, and those that are none."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile
from scipy.signal import resample_poly

from dl.data.dataset import Dataset
from dl.data.load import load_dataset
from dl.data.sources.audio import read_wav
from dl.data.types import Array
from dl.errors import DataError
from dl.progress import SilentReporter
from support.tables import config_with, told

RATE = 8000
EXPECTED = "a complete WAV file: whole numbers of 8 to 32 bits, or floats, at 1 to 384,000 Hz"
HINT = "replace it, or write it again: ffmpeg -i FILE NEW.wav"


def wave(samples: int = 400, pitch: float = 440.0, rate: int = RATE) -> Array:
    return 0.5 * np.sin(2 * np.pi * pitch * np.arange(samples) / rate)


def wav(form: int, bits: int, content: bytes, channels: int = 1, rate: int = RATE) -> bytes:
    """Returns a WAV file of these bytes of samples."""
    frame = channels * bits // 8
    head = struct.pack("<HHIIHH", form, channels, rate, rate * frame, frame, bits)
    chunks = b"fmt " + struct.pack("<I", len(head)) + head
    chunks += b"data" + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def in_24_bits(values: Array) -> bytes:
    whole = np.round(values * 2**23).astype("<i4")
    return b"".join(value.tobytes()[:3] for value in whole)


@pytest.mark.parametrize(
    ("content", "step"),
    [
        (wav(1, 16, np.round(wave() * 2**15).astype("<i2").tobytes()), 2**-15),
        (wav(1, 8, np.round(wave() * 128 + 128).astype("u1").tobytes()), 2**-7),
        (wav(1, 24, in_24_bits(wave())), 2**-23),
        (wav(1, 32, np.round(wave() * 2**31).astype("<i4").tobytes()), 2**-23),
        (wav(3, 32, wave().astype("<f4").tobytes()), 2**-23),
        (wav(3, 64, wave().astype("<f8").tobytes()), 2**-23),
    ],
    ids=["16 bits", "8 bits", "24 bits", "32 bits", "floats", "doubles"],
)
def test_samples_are_from_minus_one_to_one(tmp_path: Path, content: bytes, step: float) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    rate, sound = read_wav(tmp_path / "a.wav")
    assert rate == RATE
    assert sound.dtype == np.float32
    np.testing.assert_allclose(sound, wave(), atol=0.51 * step)


def test_channels_are_mixed(tmp_path: Path) -> None:
    both = np.column_stack([wave(), wave(pitch=300)]).astype("<f4")
    (tmp_path / "a.wav").write_bytes(wav(3, 32, both.tobytes(), channels=2))
    np.testing.assert_allclose(read_wav(tmp_path / "a.wav")[1], both.mean(axis=1), rtol=1e-6)


def sounds(tmp_path: Path, lengths: tuple[int, ...] = (400, 400, 400, 400)) -> Path:
    for place, length in enumerate(lengths):
        home = tmp_path / "words" / ("yes" if place % 2 else "no")
        home.mkdir(parents=True, exist_ok=True)
        wavfile.write(home / f"{place}.wav", RATE, wave(length, 200 + 50 * place).astype("f4"))
    return tmp_path / "words"


def load(folder: Path, first: object = "Flatten", memory: object = "auto", **data: Any) -> Dataset:
    settings = {"source": "audio", "path": str(folder), "rate": RATE, "seconds": 0.05}
    settings["split"] = {"validation": 0, "test": 0}
    layers = [first, {"type": "Dense", "units": 1, "activation": "sigmoid"}]
    config = config_with(
        {**settings, **data},
        model={"layers": layers},
        training={"loss": "binary_crossentropy"},
        engine={"memory": memory},
    )
    return load_dataset(config, SilentReporter())


def test_sounds_are_cut_and_filled(tmp_path: Path) -> None:
    folder = sounds(tmp_path, (400, 100, 405, 400))
    start, center = load(folder), load(folder, align="center")
    assert start.train.x.shape == (4, 400, 1)  # no/0, no/2, yes/1, yes/3
    np.testing.assert_array_equal(start.train.x[1, :, 0], wave(405, 300).astype("f4")[:400])
    np.testing.assert_array_equal(center.train.x[1, :, 0], wave(405, 300).astype("f4")[2:402])
    short = wave(100, 250).astype("f4")
    np.testing.assert_array_equal(start.train.x[2, :, 0], np.pad(short, (0, 300)))
    np.testing.assert_array_equal(center.train.x[2, :, 0], np.pad(short, (150, 150)))


def test_other_rates_are_resampled(tmp_path: Path) -> None:
    folder = sounds(tmp_path, (400, 500, 600, 700))
    dataset = load(folder, rate=6000)
    expected = resample_poly(wave(400, 200).astype("f4"), 3, 4)
    np.testing.assert_allclose(dataset.train.x[0, :, 0], expected[:300], atol=1e-6)
    assert dataset.train.x.shape == (4, 300, 1)
    assert np.abs(dataset.train.x[0, 20:-20, 0] - wave(300, 200, 6000)[20:-20]).max() < 0.01


def test_mel_spectrogram_gets_no_axis_of_channels(tmp_path: Path) -> None:
    mel = {"type": "MelSpectrogram", "fft_length": 128, "sampling_rate": RATE}
    assert load(sounds(tmp_path), mel).train.x.shape == (4, 400)


def test_streamed_sounds_are_those_in_memory(tmp_path: Path) -> None:
    folder = sounds(tmp_path)
    kept, streamed = load(folder, seconds=10), load(folder, memory=1, seconds=10)
    assert streamed.storage.streamed
    assert not kept.storage.streamed
    np.testing.assert_array_equal(streamed.train.x[:], kept.train.x)


WHOLE = wav(1, 16, np.round(wave() * 2**15).astype("<i2").tobytes())


@pytest.mark.parametrize(
    ("content", "message", "found"),
    [
        (WHOLE[:500], "the sound is truncated", "344 bytes fewer than it says"),
        (WHOLE[:30], "the sound cannot be read", None),
        (b"", "the sound cannot be read", None),
        (
            WHOLE[:40] + struct.pack("<I", 2**32 - 1) + WHOLE[44:],
            "the sound is truncated",
            "4,294,966,495 bytes fewer than it says",
        ),
        (WHOLE[:4] + struct.pack("<I", 99_999) + WHOLE[8:], "the sound cannot be read", None),
        (WHOLE[:4] + struct.pack("<I", 12) + WHOLE[8:], "the sound cannot be read", None),
        (wav(1, 16, b""), "the sound is empty", "no samples"),
        (wav(1, 16, bytes(8), rate=0), "has a rate that no sound has", "0 Hz"),
        (wav(1, 16, bytes(8), rate=10**9), "has a rate that no sound has", "1,000,000,000 Hz"),
        (wav(1, 16, bytes(8), channels=0), "the sound cannot be read", None),
        (
            wav(3, 32, np.array([0, np.nan], "<f4").tobytes()),
            "a sample is not a finite number",
            "nan at 1",
        ),
        (wav(0x55, 16, bytes(8)), "the sound cannot be read", None),
        (b"ID3\x04" + bytes(100), "is not a WAV file", "an MP3 file"),
        (b"fLaC" + bytes(100), "is not a WAV file", "a FLAC file"),
        (b"RIFF\x24\0\0\0AVI " + bytes(40), "the sound cannot be read", None),
    ],
)
def test_broken_file_names_itself(
    tmp_path: Path, content: bytes, message: str, found: str | None
) -> None:
    folder = sounds(tmp_path)
    (folder / "no" / "0.wav").write_bytes(content)
    said = told(lambda: load(folder), tmp_path)
    first, expected, found_line, hint = said.split("\n")
    assert first == f"words/no/0.wav: {message}"
    assert expected == f"expected: {EXPECTED}"
    assert hint == f"hint: {HINT}"
    if found is not None:
        assert found_line == f"found: {found}"


def test_every_truncated_file_is_refused(tmp_path: Path) -> None:
    folder = sounds(tmp_path)
    for end in range(0, len(WHOLE) - 1, 37):
        (folder / "no" / "0.wav").write_bytes(WHOLE[:end])
        assert told(lambda: load(folder), tmp_path).startswith("words/no/0.wav: ")


def test_flipped_bytes_end_in_a_sound_or_an_error(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    path = tmp_path / "a.wav"

    for _ in range(300):
        content = bytearray(WHOLE)
        for place in random.integers(0, 44, 2):
            content[place] = random.integers(256)
        path.write_bytes(bytes(content))
        try:
            rate, sound = read_wav(path)
        except DataError:
            continue
        assert 1 <= rate <= 384_000
        assert np.abs(sound).max() <= 1 or sound.dtype == np.float32


def test_folder_without_sounds_says_which_it_wants(tmp_path: Path) -> None:
    (tmp_path / "words" / "yes").mkdir(parents=True)
    assert told(lambda: load(tmp_path / "words"), tmp_path) == (
        "words/yes: the class folder has no sound\n"
        "expected: a sound or more in each class folder: .wav, .wave\n"
        "found: none\n"
        "hint: add sounds, or delete or move the folder"
    )
