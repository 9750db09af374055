"""`import dl` loads nothing, and its public names are there when they are used."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import dl
from dl.errors import ConfigError

LOOK = """
import json, sys
import dl
loaded = sorted({name.split(".")[0] for name in sys.modules})
names = [name for name in dl.__all__ if name not in dir(dl)]
print(json.dumps([loaded, names]))
"""


def test_importing_dl_loads_no_library() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    loaded, missing = json.loads(done.stdout)
    assert not missing
    own = {"numpy", "pandas", "click", "yaml", "keras", "sklearn", "rich"}
    assert not own & set(loaded)


def test_a_public_name_is_what_its_module_has() -> None:
    assert dl.ConfigError is ConfigError
    assert dl.load.__module__ == "dl.api"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'dl' has no attribute 'fit'"):
        _ = dl.fit
