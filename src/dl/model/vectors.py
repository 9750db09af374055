"""First weights of an Embedding from a file of vectors of words: GloVe's, or word2vec's as text.

Each line holds a word and its numbers; word2vec has a line before them with how many words and
numbers there are. A file has millions of lines: they are read one by one, and only the vectors of
the tokens are kept.

J. Pennington, R. Socher, C. D. Manning, "GloVe: Global Vectors for Word Representation", EMNLP
(2014). T. Mikolov et al., "Efficient Estimation of Word Representations in Vector Space" (2013).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import keras
import numpy as np

from dl.config.schema import Config
from dl.data.dataset import Preprocessing
from dl.data.features import FIRST_TOKEN, TextFeature
from dl.data.files import check_file
from dl.data.sources.text import opened, unpacked
from dl.data.types import Array
from dl.errors import DataError
from dl.model.objects import FROM
from dl.rundir.manifest import file_sha256
from dl.text import percent

_HINT = "name a file of GloVe, or one of word2vec that is text: `word 0.1 -0.2 …` in each line"


def start_from_vectors(
    model: keras.Sequential, config: Config, fitted: Preprocessing
) -> Iterator[str]:
    """Gives layers the vectors of a file, and yields how many tokens have one.

    Raises:
        DataError: The file cannot be read, a line of it is damaged, its vectors have another size
            than the layer's, or none is of a token.
    """
    texts = [item for item in fitted.columns if isinstance(item, TextFeature)]
    for spec in config.model.layers:
        file = spec.parameters.get(FROM)
        if not isinstance(file, str) or not texts:
            continue
        layer = model.get_layer(spec.parameters["name"])
        number = {token: place for place, token in enumerate(texts[0].tokens, FIRST_TOKEN)}
        weights = np.zeros(layer.embeddings.shape, np.float32)
        found = _read(Path(file), number, weights)
        if not found:
            raise DataError(
                f"{file}: has a vector of none of the {len(number):,} tokens",
                expected=f"words such as {', '.join(map(repr, texts[0].tokens[:3]))}",
                hint="name a file of the same language, with words as `preprocess.text` makes "
                "them: in small letters, without signs",
            )
        layer.embeddings.assign(weights)
        yield (
            f"{layer.name}: {found:,} of {len(number):,} tokens ({percent(found / len(number))}) "
            f"have a vector in {file}; the others begin with 0"
        )


def vector_files(config: Config) -> dict[str, dict[str, str]]:
    """Returns the file that each layer has its vectors from, by the layer's name."""
    named = ((spec.parameters["name"], spec.parameters.get(FROM)) for spec in config.model.layers)
    return {
        str(name): {"file": Path(file).name, "sha256": file_sha256(Path(file))}
        for name, file in named
        if isinstance(file, str)
    }


def _read(path: Path, number: Mapping[str, int], weights: Array) -> int:
    """Fills in the vectors of the words that have a number; returns how many have one."""
    check_file(path)
    wanted = {word.encode(): place for word, place in number.items()}
    size, filled = weights.shape[1], set[int]()
    with opened(path) as file:
        for line, content in enumerate(unpacked(file), start=1):
            words = content.rstrip().count(b" ")
            if line == 1 and words == 1 and content.replace(b" ", b"").strip().isdigit():
                continue  # how many words and numbers there are
            if words < size or (line <= 2 and words > size):
                raise _wrong(path, line, "has vectors of another size", f"{size} numbers", words)
            place = wanted.get(content.partition(b" ")[0] if words == size else b"")
            if place is not None and place not in filled:
                weights[place] = _vector(path, line, content, size)
                filled.add(place)
    return len(filled)


def _vector(path: Path, line: int, content: bytes, size: int) -> Array:
    try:
        vector = np.array(content.split()[1:], np.float32)
    except ValueError:
        vector = np.array([np.nan])
    if len(vector) != size or not np.isfinite(vector).all():
        shown = content.decode(errors="replace")[:60].strip()
        raise _wrong(path, line, "is damaged", "a word and its numbers, with blanks", shown)
    return vector


def _wrong(path: Path, line: int, message: str, expected: str, found: object) -> DataError:
    hint = f"write `output_dim: {found}`" if isinstance(found, int) and found > 1 else _HINT
    return DataError(f"{path}:{line}: {message}", expected=expected, found=str(found), hint=hint)
