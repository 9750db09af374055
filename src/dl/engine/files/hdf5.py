"""Opens an HDF5 file without trusting it.

An HDF5 file can point elsewhere: external and soft links, links of a user's own kind, external
storage, virtual data sets, and filters that load code. Each is refused before anything is read.
The file is read once, as a whole, and only that copy in memory is looked at: what was checked is
what is read, and HDF5 has no file by which it could find another.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import h5py

from dl.data.types import Array
from dl.errors import RunError
from dl.runs.files import read_regular

HINT = "restore the file from a copy, or train again"
_SPARE = 64 * 1024 * 1024
"""Bytes that a file may have beside its arrays: names, settings, and gaps."""
_BROKEN = (
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    UnicodeError,
    ValueError,
)
"""What h5py raises for damaged bytes."""


ReadFile = Callable[[Path, int], bytes]
"""Reads a file that holds arrays of so many bytes; `read_file`, or one that checks more."""


class Refused(Exception):
    """What a file must not hold, in words that go after the file's name."""


def read_file(path: Path, array_bytes: int) -> bytes:
    """Returns the content of a file that holds arrays of so many bytes in all.

    Raises:
        RunError: The file is missing, no regular file, not readable, or far too large.
    """
    try:
        return read_regular(path, 2 * array_bytes + _SPARE)
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing", hint="train again") from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}", hint=HINT) from error


@contextmanager
def opened(path: Path, content: bytes) -> Iterator[Any]:
    """Opens the content of a file; what it must not hold becomes an error that names the file.

    Raises:
        RunError: The content is no HDF5 file, is damaged, or `Refused` was raised inside.
    """
    try:
        # Not `open_file_image`: HDF5 looks for a file of the name that it makes up for the image.
        with h5py.File(io.BytesIO(content), "r") as file:
            yield file
    except Refused as error:
        raise RunError(f"{path} {error}", hint=HINT) from error
    except _BROKEN as error:
        raise RunError(f"{path} is damaged: it is not a readable HDF5 file", hint=HINT) from error


def names_in(group: Any, most: int) -> list[str]:
    """Returns the names in a group, sorted, at most `most` of them."""
    return sorted(islice(group, most))


def member_in(group: Any, name: str, wanted: Any = (h5py.Group, h5py.Dataset)) -> Any:
    """Returns the group or data set of a name in a group; only what is itself inside the file."""
    place = f"{group.name.rstrip('/')}/{name}"
    if group.id.links.get_info(name.encode("utf-8", "surrogateescape")).type != h5py.h5l.TYPE_HARD:
        raise _foreign(place, "a link that leads elsewhere")
    member = group[name]
    if not isinstance(member, wanted):
        raise _foreign(place, "an object of another kind")
    return member


def group_in(group: Any, name: str) -> Any:
    """Returns the group of a name in another."""
    return member_in(group, name, h5py.Group)


def array_in(group: Any, name: str) -> Any:
    """Returns the data set of a name in a group, nothing of it read."""
    dataset = member_in(group, name, h5py.Dataset)
    settings = dataset.id.get_create_plist()
    if dataset.is_virtual or settings.get_external_count() or settings.get_nfilters():
        raise _foreign(dataset.name, "values that lie elsewhere or behind a filter")
    if settings.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT):
        raise _foreign(dataset.name, "values in another layout than Keras writes")
    return dataset


def has_type(dataset: Any, dtype: Any) -> bool:
    """Whether a data set holds values of a type; of bfloat16 HDF5 keeps nothing but two bytes."""
    found: bool = dataset.dtype == dtype
    return found or (dtype.name == "bfloat16" and dataset.dtype == "V2")


def values_of(dataset: Any) -> Array:
    """Returns the values of a data set whose shape and type were compared before."""
    if dataset.id.get_storage_size() != dataset.nbytes:
        raise _foreign(dataset.name, "a shape without the values for it")
    array: Array = dataset[()]
    return array.view("bfloat16") if array.dtype == "V2" else array


def text_of(owner: Any, name: str, most_bytes: int) -> str | None:
    """Returns an attribute that is a single text; None if there is none of the name."""
    if name not in owner.attrs:
        return None
    attribute = owner.attrs.get_id(name)
    if attribute.shape != () or attribute.get_type().get_class() != h5py.h5t.STRING:
        raise _foreign(f"{owner.name}@{name}", "an attribute that is not a single text")
    value = owner.attrs[name]
    content = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    if len(content) > most_bytes:
        raise Refused(f"holds {len(content)} bytes in {name!r}, more than {most_bytes}")
    return content.decode("utf-8")


def _foreign(name: str, what: str) -> Refused:
    shown = name if name.isprintable() and len(name) < 200 else ascii(name[:200])
    return Refused(f"holds at {shown} {what}; it is not read")
