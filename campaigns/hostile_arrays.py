"""Attacks on the arrays of a `.h5` file: what HDF5 can be made to follow, read or allocate.

Each function changes a good file of a model whose first layer is `dense`; `outside` is a folder
whose files nobody may open.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Attack = Callable[[Any, Path], None]

LAYER = "model_weights/dense"
SHAPE = (4, 8)


def kernel_of(file: Any) -> str:
    """Returns the name of the first layer's kernel."""
    found: list[str] = []
    file[LAYER].visit(lambda name: found.append(name) if name.endswith("kernel") else None)
    return f"{LAYER}/{found[0]}"


def _remade(file: Any, **settings: Any) -> None:
    """Makes the kernel anew with other settings."""
    name = kernel_of(file)
    del file[name]
    file.create_dataset(name, **settings)


def _linked(file: Any, link: Any, name: str | None = None) -> None:
    name = name or kernel_of(file)
    del file[name]
    file[name] = link


def _data() -> Any:
    return np.zeros(SHAPE, "float32")


def _external_array(file: Any, outside: Path) -> None:
    _linked(file, h5py.ExternalLink(str(outside / "secret.h5"), "/kernel"))


def _external_folder(file: Any, outside: Path) -> None:
    _linked(file, h5py.ExternalLink("../outside/secret.h5", "/"), LAYER)


def _external_root(file: Any, outside: Path) -> None:
    _linked(file, h5py.ExternalLink(str(outside / "secret.h5"), "/"), "model_weights")


def _soft_inside(file: Any, outside: Path) -> None:
    _linked(file, h5py.SoftLink("/model_weights/dense_1"))


def _soft_dangling(file: Any, outside: Path) -> None:
    _linked(file, h5py.SoftLink("/nowhere"))


def _soft_cycle(file: Any, outside: Path) -> None:
    _linked(file, h5py.SoftLink(f"/{LAYER}"), LAYER)


def _hard_cycle(file: Any, outside: Path) -> None:
    file[f"{LAYER}/again"] = file[LAYER]


def _hard_cycle_of_root(file: Any, outside: Path) -> None:
    del file[LAYER]
    file[LAYER] = file["/"]


def _two_to_the_forty(file: Any, outside: Path) -> None:
    """Groups that a walk would visit 2^40 times."""
    below = file.create_group("bomb0")
    for number in range(1, 40):
        group = file.create_group(f"bomb{number}")
        group["left"], group["right"] = below, below
        below = group
    _linked(file, below, LAYER)


def _external_storage(file: Any, outside: Path) -> None:
    _remade(file, shape=SHAPE, dtype="f4", external=[(str(outside / "secret.bin"), 0, 128)])


def _external_device(file: Any, outside: Path) -> None:
    _remade(file, shape=SHAPE, dtype="f4", external=[("/dev/zero", 0, h5py.h5f.UNLIMITED)])


def _virtual(file: Any, outside: Path) -> None:
    _made_virtual(file, str(outside / "secret.h5"))


def _virtual_of_itself(file: Any, outside: Path) -> None:
    _made_virtual(file, ".")


def _made_virtual(file: Any, source: str) -> None:
    name = kernel_of(file)
    del file[name]
    layout = h5py.VirtualLayout(SHAPE, "float32")
    layout[:] = h5py.VirtualSource(source, "kernel", SHAPE)
    file.create_virtual_dataset(name, layout)


def _compressed(file: Any, outside: Path) -> None:
    _remade(file, data=_data(), compression="gzip")


def _bomb(file: Any, outside: Path) -> None:
    """1 GB of zeros in 1 MB."""
    name = kernel_of(file)
    del file[name]
    array = file.create_dataset(name, (2**28,), "f4", chunks=(2**22,), compression=9)
    chunk = np.zeros(2**22, "f4")
    array[: 2**22] = chunk
    array[2**28 - 2**22 :] = chunk


def _shuffled(file: Any, outside: Path) -> None:
    _remade(file, data=_data(), shuffle=True, fletcher32=True)


def _own_filter(file: Any, outside: Path) -> None:
    """A filter of a number that HDF5 would look for among its plug-ins."""
    name = kernel_of(file)
    del file[name]
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk(SHAPE)
    settings.set_filter(40_000, h5py.h5z.FLAG_OPTIONAL, (1, 2))
    space = h5py.h5s.create_simple(SHAPE)
    folder, _, leaf = name.rpartition("/")
    h5py.h5d.create(file[folder].id, leaf.encode(), h5py.h5t.NATIVE_FLOAT, space, dcpl=settings)


def _chunked(file: Any, outside: Path) -> None:
    _remade(file, data=_data(), chunks=(2, 2))


def _huge(file: Any, outside: Path) -> None:
    _remade(file, shape=(2**40,), dtype="f4", chunks=(2**20,))


def _huge_and_contiguous(file: Any, outside: Path) -> None:
    _remade(file, shape=(2**44, 2**10), dtype="f4")


def _without_values(file: Any, outside: Path) -> None:
    _remade(file, shape=SHAPE, dtype="f4")


def _other_shape(file: Any, outside: Path) -> None:
    _remade(file, data=_data().T)


def _single_number(file: Any, outside: Path) -> None:
    _remade(file, data=np.float32(1))


def _no_space(file: Any, outside: Path) -> None:
    _remade(file, data=h5py.Empty("f4"))


def _of_type(dtype: Any) -> Attack:
    def attack(file: Any, outside: Path) -> None:
        _remade(file, shape=SHAPE, dtype=dtype)

    return attack


def _folder_for_an_array(file: Any, outside: Path) -> None:
    name = kernel_of(file)
    del file[name]
    file.create_group(name)


def _array_for_a_folder(file: Any, outside: Path) -> None:
    del file[LAYER]
    file[LAYER] = _data()


def _type_for_an_array(file: Any, outside: Path) -> None:
    name = kernel_of(file)
    del file[name]
    file[name] = np.dtype("float32")


def _another_array(file: Any, outside: Path) -> None:
    file[f"{LAYER}/more"] = _data()


def _many_arrays(file: Any, outside: Path) -> None:
    for number in range(20_000):
        file[LAYER].create_group(f"{number:06}")


def _long_name(file: Any, outside: Path) -> None:
    file[LAYER]["n" * 60_000] = _data()


def _name_with_escapes(file: Any, outside: Path) -> None:
    file["model_weights"].create_group("\x1b[2J\x1b]0;owned\x07")


def _without_layer(file: Any, outside: Path) -> None:
    del file[LAYER]


def _without_weights(file: Any, outside: Path) -> None:
    del file["model_weights"]


def _names_that_lead_out(file: Any, outside: Path) -> None:
    """Lists of names that Keras would follow."""
    names = np.asarray([b"../../outside/secret", b"/optimizer_weights"])
    file["model_weights"].attrs["layer_names"] = names
    file[LAYER].attrs["weight_names"] = names
    del file[kernel_of(file)]


ARRAY_ATTACKS: dict[str, Attack] = {
    "external-link-to-array": _external_array,
    "external-link-to-group": _external_folder,
    "external-link-for-all": _external_root,
    "soft-link-inside": _soft_inside,
    "soft-link-to-nothing": _soft_dangling,
    "soft-link-cycle": _soft_cycle,
    "hard-link-cycle": _hard_cycle,
    "hard-link-to-root": _hard_cycle_of_root,
    "hard-link-bomb": _two_to_the_forty,
    "external-storage": _external_storage,
    "external-storage-device": _external_device,
    "virtual-set": _virtual,
    "virtual-set-of-itself": _virtual_of_itself,
    "compression": _compressed,
    "compression-bomb": _bomb,
    "shuffle-and-checksum": _shuffled,
    "own-filter": _own_filter,
    "chunks": _chunked,
    "huge-shape": _huge,
    "huge-shape-contiguous": _huge_and_contiguous,
    "shape-without-values": _without_values,
    "other-shape": _other_shape,
    "single-number": _single_number,
    "no-space": _no_space,
    "float64": _of_type("f8"),
    "big-endian": _of_type(">f4"),
    "text-type": _of_type(h5py.string_dtype()),
    "reference-type": _of_type(h5py.ref_dtype),
    "region-type": _of_type(h5py.regionref_dtype),
    "list-type": _of_type(h5py.vlen_dtype(np.float32)),
    "enum-type": _of_type(h5py.enum_dtype({"A": 1})),
    "record-type": _of_type(np.dtype([("a", "f4"), ("b", "S9")])),
    "raw-type": _of_type(h5py.opaque_dtype(np.dtype("V8"))),
    "nested-type": _of_type(np.dtype(("f4", (64, 64)))),
    "folder-for-an-array": _folder_for_an_array,
    "array-for-a-folder": _array_for_a_folder,
    "type-for-an-array": _type_for_an_array,
    "another-array": _another_array,
    "many-arrays": _many_arrays,
    "long-name": _long_name,
    "name-with-escapes": _name_with_escapes,
    "without-layer": _without_layer,
    "without-weights": _without_weights,
    "names-that-lead-out": _names_that_lead_out,
}
"""None of these may be read, neither as the model of a run nor as a model file."""
