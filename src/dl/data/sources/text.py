"""The text of a table: bytes as they come, packed or not, to whole rows in UTF-8.

All is read once, a block at a time, so that a file of any length, or a pipe, takes little memory.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import itertools
import lzma
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pyarrow
from numpy.typing import NDArray

from dl.config.tables import packing
from dl.errors import DataError
from dl.progress import Advance

BLOCK = 1 << 23
"""Bytes that are read for a block to predict, which is longer only where a single row is."""
_SAMPLE = 1 << 20
_OTHER_FORMATS = {
    b"PAR1": "a Parquet file: use `source: parquet`",
    b"PK\x03\x04": "a zip or spreadsheet file: use `source: excel`, or unpack it",
}
_BYTE_ORDERS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}


def opened(path: Path) -> BinaryIO:
    """Opens a file; raises `DataError`."""
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def unpacked(stream: BinaryIO) -> BinaryIO:
    """Returns a stream as it was before gzip, bz2, xz or zstd packed it: its first bytes tell."""
    peeking = stream if hasattr(stream, "peek") else io.BufferedReader(cast(io.RawIOBase, stream))
    match packing(peeking.peek(16)):
        case "gzip":
            return cast(BinaryIO, gzip.GzipFile(fileobj=peeking))
        case "bz2":
            return cast(BinaryIO, bz2.BZ2File(peeking))
        case "xz":
            return cast(BinaryIO, lzma.LZMAFile(peeking))
        case "zstd":
            packed = pyarrow.PythonFile(peeking, "r")
            return cast(BinaryIO, pyarrow.CompressedInputStream(packed, "zstd"))
    return peeking


def sampled(path: Path) -> tuple[bytes, float]:
    """Returns how a text begins, and about how many bytes it has in all, unpacked."""
    with opened(path) as stream:
        text, size = unpacked(stream), path.stat().st_size
        sample = next(pieces(text, str(path), _SAMPLE))
        if text is not stream:
            size = size * len(sample) // max(1, stream.tell())
        return sample, size


def pieces(
    stream: BinaryIO, source: str, size: int = BLOCK, advance: Advance = lambda size: None
) -> Iterator[bytes]:
    """Yields the bytes of a file, and no bytes behind the last."""
    content = b"."
    while content:
        try:
            content = stream.read(size)
        except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
            raise _damaged(source) from error
        except OSError as error:
            if error.strerror is None:  # of an unpacker, not of the system
                raise _damaged(source) from error
            raise DataError(f"{source}: cannot be read: {error.strerror}") from error
        yield content
        advance(len(content))


def _damaged(source: str) -> DataError:
    hint = "copy it again from where it came, or pack it again"
    return DataError(f"{source}: is damaged: it cannot be unpacked to its end", hint=hint)


def decoded(content: Iterator[bytes], source: str, encoding: str) -> Iterator[bytes]:
    """Yields the content in UTF-8, without a byte order mark; refuses what is not text.

    Args:
        content: The bytes, at least one piece.
        source: The file, for messages.
        encoding: The encoding of its text.

    Raises:
        DataError: The bytes are no text, or a file of another format.
    """
    start = next(content)
    for magic, meaning in _OTHER_FORMATS.items():
        if start.startswith(magic):
            raise DataError(f"{source}: is {meaning}")
    if start[257:262] == b"ustar":
        raise DataError(
            f"{source}: is a tar archive", expected="a table", hint="unpack it: tar -xf " + source
        )
    decoder = _decoder(encoding, start)
    line, begun = 1, False
    for read in itertools.chain([start], content):
        try:
            if begun and encoding == "utf-8" and read.isascii() and not decoder.getstate()[0]:
                data = read  # ASCII is UTF-8 already: a tenth of the time of the reading is saved
            else:
                text = decoder.decode(read, final=not read)
                data = (text if begun else text.removeprefix("\ufeff")).encode()
                begun = begun or bool(text)
        except UnicodeError as error:
            place, byte = line, b""  # some encodings do not tell more
            if isinstance(error, UnicodeDecodeError):
                place += error.object.count(b"\n", 0, error.start)
                byte = error.object[error.start : error.start + 1]
            raise DataError(
                f"{source}:{place}: is not {encoding} text",
                found=f"byte 0x{byte.hex()}" if byte else None,
                hint="name its encoding: `encoding: cp1252` (Windows), `encoding: latin-1` or "
                "`encoding: utf-16`",
            ) from error
        nul = data.find(b"\0")
        if nul >= 0:
            place = line + data.count(b"\n", 0, nul)
            raise DataError(
                f"{source}:{place}: holds a NUL byte",
                expected="a text file",
                hint="the file is binary or damaged; export it again",
            )
        yield data
        line += _count(data, b"\n")


def _decoder(encoding: str, start: bytes) -> codecs.IncrementalDecoder:
    name = codecs.lookup(encoding).name  # the rules of the config have tried it
    if name in _BYTE_ORDERS and not start.startswith(_BYTE_ORDERS[name]):
        name += "-le"  # `bytes.decode` takes this order; an incremental decoder takes none
    return codecs.getincrementaldecoder(name)()


def whole_rows(chunks: Iterator[bytes], separators: bytes) -> Iterator[bytes]:
    """Yields the text, cut behind line ends that no quotes enclose and that end some text.

    An empty line at the end of the file is not a row and left out; the empty lines behind a cut
    stay with the rows to come, since only then it is known whether they are at the end.
    """
    rest, waiting, length = b"", [b""], 0
    for chunk in chunks:
        waiting.append(chunk)
        length += len(chunk)
        if length < len(rest):
            continue  # a row longer than some blocks is not to be searched again for each of them
        last = waiting.pop()
        cut = last.rfind(b"\n") + 1  # mostly the end of the rows: then nothing is copied again
        block = b"".join([rest, *waiting, memoryview(last)[:cut]])
        end = _end_of_rows(block, separators)
        if _empty_end(block, end):
            end = len(block[:end].rstrip(b"\r\n"))
            end += 0 if end == 0 else 2 if block.startswith(b"\r\n", end) else 1
        if end:
            yield block[:end]
        rest, waiting, length = block[end:] + last[cut:], [], 0
    rest = b"".join([rest, *waiting])
    if rest := rest[: len(rest) - _empty_end(rest, len(rest))]:
        yield rest


def _empty_end(text: bytes, end: int) -> int:
    """Returns the length of the line end before `end` if nothing stands in its line, else 0."""
    near = text[max(0, end - 3) : end]  # a line end, and what is before it
    last = next((ending for ending in (b"\r\n", b"\n", b"\r") if near.endswith(ending)), b"")
    before = near[: len(near) - len(last)]
    return len(last) if before == b"" or before.endswith((b"\n", b"\r")) else 0


def line_ends(text: bytes) -> int:
    """Counts lines as Python's readers do: `\\r` ends one too, and `\\r\\n` ends one."""
    if b"\r" not in text:  # much faster than counting none
        return _count(text, b"\n")
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")


def _count(text: bytes, character: bytes) -> int:
    """Counts a character, five times as fast as `bytes.count` where it is in every line."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord(character)))


def _end_of_rows(block: bytes, separators: bytes) -> int:
    """Returns where the last whole row of a text ends, which begins with a row; 0 if none ends."""
    end = block.rfind(b"\n") + 1
    if b'"' not in block:
        return end
    starts, ends = _quoted(block, separators)
    while end:
        before = int(np.searchsorted(starts, end - 1)) - 1
        if before < 0 or ends[before] < end - 1:
            return end
        end = block.rfind(b"\n", 0, int(starts[before])) + 1
    return 0


def _quoted(block: bytes, separators: bytes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the first and the last quote of each quoted value; one may end with the text."""
    characters = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(characters == ord('"'))
    if len(quotes) % 2:
        quotes = np.append(quotes, len(block))
    starts, ends = quotes[0::2], quotes[1::2]
    # Mostly quotes taken in pairs stand around values; a doubled quote ends and begins one.
    borders = np.zeros(256, np.bool_)
    borders[list(b'"\r\n' + separators)] = True
    before = borders[characters[np.maximum(starts - 1, 0)]] | (starts == 0)
    last = len(block) - 1
    after = borders[characters[np.minimum(ends + 1, last)]] | (ends >= last)
    if before.all() and after.all():
        return starts, ends
    # Other quotes stand inside plain values, as in `5" disk`: slower.
    border = re.escape(separators)
    quoted = re.compile(
        rb'"(?:(?<=[\r\n' + border + rb']")|(?<=\A"))[^"]*(?:""[^"]*)*("|\Z)', re.DOTALL
    )
    spans = [(match.start(), match.start(1)) for match in quoted.finditer(block)]
    starts, ends = np.array(spans, np.intp).reshape(-1, 2).T
    return starts, ends
