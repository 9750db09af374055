"""A module that is imported in a thread."""

from __future__ import annotations

import json

import pytest

from dl.imports import Importing


def test_the_module_is_returned() -> None:
    with Importing("json") as importing:
        assert importing.module() is json


def test_an_import_that_fails_raises_where_the_module_is_asked_for() -> None:
    with Importing("dl.no_such_module") as importing, pytest.raises(ModuleNotFoundError):
        importing.module()


def test_an_error_meanwhile_is_not_hidden_by_a_failed_import() -> None:
    with pytest.raises(ZeroDivisionError), Importing("dl.no_such_module"):
        raise ZeroDivisionError
