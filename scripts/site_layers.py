"""The gallery of layers of the site: each layer of the vocabulary, built and looked at."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from campaigns.samples import layer_sample
from dl.config.nodes import flow
from dl.vocabulary.catalog import Entry, checked_object, entries
from dl.vocabulary.spec import Kind
from dl.vocabulary.traits import ACTIVATION_LAYERS
from generate_reference import entry_row

FAMILIES = (
    ("Dense and others", r"Dense|EinsumDense|Identity|ActivityReg|Pipeline|Input"),
    (
        "Pictures",
        r"Random|AugMix|RandAugment|AutoContrast|Contrast|Equal|Solar|Resizing|CenterCrop",
    ),
    ("Convolutions", r"(Separable|Depthwise)?Conv\d"),
    ("Pooling", r".*Pooling"),
    ("Sequences", r"ConvLSTM|LSTM|GRU|SimpleRNN|RNN|Bidirectional|TimeDistributed|Masking"),
    ("Dropout and noise", r".*Dropout|GaussianNoise"),
    ("Normalization", r".*Normalization|Rescaling"),
    ("Activations", rf"Activation$|{'|'.join(ACTIVATION_LAYERS)}"),
    ("Shapes", r"Flatten|Reshape|Permute|RepeatVector|Cropping|UpSampling|ZeroPadding"),
    ("Numbers to vectors", r".*Embedding|.*Encoding|Hashing|IntegerLookup|Discret|.*Spectrogram"),
)
"""Titles of the pages, and how the names of their layers begin; a layer is on the first that fits,
and on the first of all if none does."""
_PHOTOS = FAMILIES[1][1]

_ON_PIXELS = re.compile(
    r"(Average|Max)Pooling2D|Dropout|Spatial\w+2D|Gaussian\w+|\w+(Cropp|Padd)ing2D"
)
_SIDE = 96


def layer_pages() -> dict[str, str]:
    """Returns the Markdown of the pages, by their paths in the site."""
    families: dict[str, list[Entry]] = {title: [] for title, _ in FAMILIES}
    for entry in entries(Kind.LAYER).values():
        fitting = (title for title, start in FAMILIES if re.match(start, entry.name))
        families[next(fitting, FAMILIES[0][0])].append(entry)
    pages = {"layers/index.md": _overview(families)}
    for title, members in families.items():
        head = f"# Layers: {title.lower()}\n\nShapes are those of one row, without the batch.\n"
        pages[_path(title)] = "\n".join([head, *map(_section, members)])
    return pages


def _path(title: str) -> str:
    return f"layers/{title.lower().replace(' ', '-')}.md"


def _overview(families: dict[str, list[Entry]]) -> str:
    lines = [
        "# Layers",
        "",
        f"The {len(entries(Kind.LAYER))} layers that a config can name: what each does, how it is "
        "written, and the shape that it makes of a small row. All that a config can name beside "
        "them: [The config](../config.md).",
        "",
    ]
    for title, members in families.items():
        page = _path(title).removeprefix("layers/")
        names = ", ".join(f"[{entry.name}]({page}#{entry.name.lower()})" for entry in members)
        lines += [f"**[{title}]({page})**: {names}", ""]
    return "\n".join(lines)


def _section(entry: Entry) -> str:
    name, summary, parameters = entry_row(entry)
    sample = layer_sample(entry.name)
    rows, out = _shapes(entry.name)
    also = name.partition(" (also")[2]
    lines = [f"## {entry.name}", "", summary + (f" Also{also.rstrip(')')}." if also else ""), ""]
    lines += ["```yaml", f"- {flow(sample.parameters)}", "```", "", f"`{rows}` → `{out}`", ""]
    picture = _picture(entry.name)
    if picture:
        lines += [picture, ""]
    if parameters:
        lines += [f"Parameters: {parameters}", ""]
    return "\n".join(lines)


def _shapes(name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    sample = layer_sample(name)
    if name == "Input":
        return sample.shape, sample.shape
    rows = sample.rows().astype("float32" if sample.below is None else "int32")
    return sample.shape, tuple(map(int, _built(name)(rows, training=True).shape[1:]))


def _built(name: str) -> Any:
    from dl.model.objects import build_object

    return build_object(checked_object(Kind.LAYER, layer_sample(name).parameters), seed=3, path=())


def _picture(name: str) -> str:
    """Returns what the layer makes of a photo, or its curve, as text of the page; or nothing."""
    if name in ACTIVATION_LAYERS and name != "Softmax":
        return _curve(name)
    of_photos = re.match(_PHOTOS, name) and name not in (
        "Resizing",
        "CenterCrop",
        "RandomCrop",
    )
    if not of_photos and not _ON_PIXELS.fullmatch(name):
        return ""
    scale = 1 if of_photos else 255
    photo = _photo()
    after = np.asarray(_built(name)(photo[None] / scale, training=True))[0] * scale
    both = [Image.fromarray(np.clip(each, 0, 255).astype("uint8")) for each in (photo, after)]
    return f"{_image(both[0], 'a photo')} → {_image(both[1], f'the photo behind {name}')}"


def _photo() -> Any:
    from sklearn.datasets import load_sample_image

    photo = Image.fromarray(load_sample_image("flower.jpg")).crop((130, 0, 530, 400))
    return np.asarray(photo.resize((_SIDE, _SIDE)), dtype="float32")


def _image(image: Image.Image, about: str) -> str:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=80)
    return f"![{about}](data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()})"


def _curve(name: str) -> str:
    at = np.linspace(-3, 3, 61, dtype="float32")
    layer = _built(name)
    values = np.asarray(layer(at[:, None]))[:, 0]
    points = " ".join(_points(at, values))
    return (
        f'<svg viewBox="-3 -3 6 4" width="150" role="img" aria-label="{name} from -3 to 3" '
        'fill="none" stroke-width="0.05"><path d="M-3 0H3M0-3V1" stroke="gray" opacity="0.5"/>'
        f'<polyline points="{points}" stroke="currentColor"/></svg>'
    )


def _points(at: Any, values: Any) -> Iterator[str]:
    for x, y in zip(at, values, strict=True):
        yield f"{x:.2f},{-y:.3f}"
