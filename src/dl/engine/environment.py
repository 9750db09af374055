"""What can change the bits of a result: versions, threads, processor, accelerator."""

from __future__ import annotations

import os
import platform
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf

import dl
from dl.system import processor_name, processors
from dl.variables import recorded


def versions() -> dict[str, str]:
    """Returns the versions of Python, `dl` and the libraries that compute."""
    return {
        "python": platform.python_version(),
        "dl": dl.__version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "h5py": h5py.__version__,
    }


def use_threads(count: int) -> None:
    """Limits the threads of an operation, and the operations at a time; before the first one."""
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(count)


def machine() -> dict[str, Any]:
    """Returns the processor, its threads, oneDNN's state, the GPUs, and variables that act."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "threads": _threads(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0",
        "gpus": _gpus(),
        **recorded(os.environ),
    }


def _threads() -> int:
    chosen = tf.config.threading.get_intra_op_parallelism_threads()
    return int(chosen) or processors()


def _gpus() -> list[str]:
    devices = tf.config.list_physical_devices("GPU")
    details = (tf.config.experimental.get_device_details(device) for device in devices)
    return [str(detail.get("device_name", "GPU")) for detail in details]
