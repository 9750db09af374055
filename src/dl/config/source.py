"""From a path to the text of a config; never waits, never reads more than a config can have."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dl.errors import ConfigError, Mark, closest
from dl.system import AT_ONCE

MOST_BYTES = 1024 * 1024


def read_bytes(path: Path) -> bytes:
    """Reads a config file.

    Raises:
        ConfigError: There is no such file, or it is not a regular file, too large or not readable.
    """
    try:
        content = _content(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if len(content) > MOST_BYTES:
        raise ConfigError(
            f"{_name(path)} is larger than 1 MB",
            hint="a config is a short text; name the file that holds the data in `data.path`",
        )
    return content


def decode(content: bytes, source: str) -> str:
    """Decodes UTF-8, with or without a byte order mark.

    Raises:
        ConfigError: The bytes are no UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1)
        raise ConfigError(
            f"this is not UTF-8 text: byte 0x{content[error.start]:02x}",
            mark=Mark(source, line, column + 1),
            hint="save the file with the encoding UTF-8",
        ) from error


def _content(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | AT_ONCE)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if not stat.S_ISREG(mode):
            raise OSError("it is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MOST_BYTES + 1)
    finally:
        os.close(descriptor)


def _unreadable(path: Path, error: OSError | ValueError) -> ConfigError:
    name = _name(path)
    if isinstance(error, FileNotFoundError):
        near = _neighbour(path)
        return ConfigError(
            f"{name}: there is no such file", hint=f"did you mean {near}?" if near else None
        )
    if isinstance(error, IsADirectoryError):
        return ConfigError(f"{name} is a directory, not a config", hint="name a YAML file")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ConfigError(f"{name} cannot be read: {reason}")


def _name(path: Path) -> str:
    name = str(path)
    return name if name.isprintable() and len(name) < 200 else ascii(name[:200])


def _neighbour(path: Path) -> str | None:
    try:
        names = [entry.name for entry in os.scandir(path.parent) if entry.is_file()]
    except (OSError, ValueError):
        return None
    near = closest(path.name, names[:1000])
    return str(path.parent / near) if near else None
