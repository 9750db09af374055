"""The source `audio`: WAV files of one rate and length, in a folder that is read as `media` tells.

A sound is what its channels are in the mean, from -1 to 1. Another rate than the one that is asked
for is resampled by SciPy's polyphase filter. A longer sound is cut, a shorter one gets silence.
"""

from __future__ import annotations

import io
import math
import struct
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from dl.config.data import AudioData
from dl.data.files import DAMAGED, check_file
from dl.data.sources.found import Medium
from dl.data.storage import check_memory
from dl.data.types import Array
from dl.errors import DataError, first_line

SUFFIXES = frozenset({".wav", ".wave"})
MOST_HERTZ = 384_000
"""The fastest converters; beyond it the filter for a rate without a common divisor grows large."""

_COPIES = 16
"""So many times the bytes of a file are its samples, mixed and resampled."""
_OTHER_KINDS = {
    b"ID3": "an MP3 file",
    b"\xff\xfb": "an MP3 file",
    b"fLaC": "a FLAC file",
    b"OggS": "an Ogg file",
    b"FORM": "an AIFF file",
}
"""How files of other kinds begin."""


def medium(data: AudioData, *, flat: bool = False) -> Medium:
    """Returns how the sounds of a config are read: rows of samples and a channel, or `flat`."""
    sounds = Sounds(data)
    shape = (sounds.samples,) if flat else (sounds.samples, 1)
    return Medium(
        noun="sound",
        examples="yes/ and no/",
        suffixes=SUFFIXES,
        shape=shape,
        read=lambda path: sounds.read(path).reshape(shape),
        stage="Reading sounds",
        smaller="make `data.rate` or `data.seconds` smaller",
        quiet=_warnings_as_errors,
        summary=sounds.summary,
    )


class Sounds:
    """Reads sounds, and keeps what they were like.

    Attributes:
        samples: Samples of a row.
    """

    def __init__(self, data: AudioData) -> None:
        self._rate, self._seconds, self._align = data.rate, data.seconds, data.align
        self.samples = max(1, round(data.rate * data.seconds))
        self._seen: list[tuple[int, int, int]] = []

    def read(self, path: Path) -> Array:
        """Returns the samples of a file, float32 of shape (samples,).

        Raises:
            DataError: As in `read_wav`.
        """
        rate, sound = read_wav(path)
        length = len(sound)
        if rate != self._rate:
            from scipy.signal import resample_poly  # which takes long to load

            common = math.gcd(rate, self._rate)
            sound = resample_poly(sound, self._rate // common, rate // common)
        self._seen.append((rate, length, len(sound)))
        return fitted(sound, self.samples, self._align == "center")

    def summary(self) -> str:
        """Returns what the files were like that were read, and what was made of them."""
        if not self._seen:
            return ""
        rates = Counter(rate for rate, _, _ in self._seen)
        told = " and ".join(f"{rate} Hz ({rates[rate]:,})" for rate in sorted(rates)[:4])
        seconds = sorted(length / rate for rate, length, _ in self._seen)
        short = sum(length < self.samples for *_, length in self._seen)
        cut = sum(length > self.samples for *_, length in self._seen)
        span = f"{seconds[0]:.3g} to {seconds[-1]:.3g} s, half of them up to "
        return (
            f"{told}{', …' * (len(rates) > 4)}, read as {self._rate} Hz; {span}"
            f"{seconds[(len(seconds) - 1) // 2]:.3g} s, read as {self._seconds:.3g} s: "
            f"{short:,} with silence, {cut:,} cut"
        )


def fitted(sound: Array, samples: int, centered: bool) -> Array:
    """Returns so many samples: the first ones, or those in the middle; silence fills what lacks.

    Args:
        sound: The samples, shape (samples,).
        samples: How many are wanted.
        centered: Whether what is cut off, or added, is shared among both ends.
    """
    more = samples - len(sound)
    before = (abs(more) // 2) * centered
    if more <= 0:
        return sound[before : before + samples]
    return np.pad(sound, (before, more - before))


def read_wav(path: Path) -> tuple[int, Array]:
    """Returns the rate and the samples of a WAV file, from -1 to 1, float32 of shape (samples,).

    Raises:
        DataError: It is not a WAV file of plain samples, is not complete, or holds no sound.
    """
    from scipy.io import wavfile  # which takes long to load, as all of `scipy.io`

    check_file(path)
    size = path.stat().st_size
    check_memory(_COPIES * size, f"{path}: is too large for the memory", "its samples", "cut it")
    try:
        content = path.read_bytes()
        missing = _missing_bytes(content)
        if missing > 0:
            raise _broken(path, "the sound is truncated", f"{missing:,} bytes fewer than it says")
        rate, values = wavfile.read(io.BytesIO(content))
    except (*DAMAGED, MemoryError, Warning) as error:
        kind = next((k for begin, k in _OTHER_KINDS.items() if content.startswith(begin)), "")
        if kind:
            raise _broken(path, "is not a WAV file", kind) from error
        raise _broken(path, "the sound cannot be read", first_line(error)) from error
    if not 1 <= rate <= MOST_HERTZ:
        raise _broken(path, "has a rate that no sound has", f"{rate:,} Hz")
    sound = _between_ones(values)
    if not len(sound):
        raise _broken(path, "the sound is empty", "no samples")
    if not np.isfinite(sound).all():
        place = int(np.argmax(~np.isfinite(sound)))
        raise _broken(path, "a sample is not a finite number", f"{sound[place]} at {place:,}")
    return rate, sound


def _between_ones(values: Array) -> Array:
    """Returns samples as they are stored, shape (samples,) or (samples, channels), mixed down."""
    if values.dtype.kind == "f":
        sound = values.astype(np.float32, copy=False)
    else:
        # Bytes have no sign; what is not a whole number of bytes lies in the upper bits.
        zero = 128 if values.dtype == np.uint8 else 0
        sound = (values.astype(np.float32) - zero) / 2.0 ** (8 * values.dtype.itemsize - 1)
    return sound if sound.ndim == 1 else sound.mean(axis=1)


def _missing_bytes(content: bytes) -> int:
    """Returns how many bytes of samples a file lacks; SciPy reads what is there."""
    place, order = 12, ">I" if content.startswith(b"RIFX") else "<I"
    while place + 8 <= len(content):
        (size,) = struct.unpack(order, content[place + 4 : place + 8])
        place += 8
        if content[place - 8 : place - 4] == b"data":
            return place + size - len(content) if not content.startswith(b"RF64") else 0
        place += size + size % 2
    return 0


@contextmanager
def _warnings_as_errors() -> Iterator[None]:
    """Lets SciPy's warning of a file that ends too early be an error, and hides all others.

    Filters of warnings belong to the whole process: this is entered once, not in each thread.
    """
    from scipy.io import wavfile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message="Reached EOF", category=wavfile.WavFileWarning)
        yield


def _broken(path: Path, message: str, found: str) -> DataError:
    return DataError(
        f"{path}: {message}",
        expected="a complete WAV file: whole numbers of 8 to 32 bits, or floats, at 1 to "
        f"{MOST_HERTZ:,} Hz",
        found=found,
        hint="replace it, or write it again: ffmpeg -i FILE NEW.wav",
    )
