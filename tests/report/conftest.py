"""All figures of these tests are built with the look of the pictures."""

from collections.abc import Iterator

import pytest

from dl.report import style


@pytest.fixture(autouse=True)
def _look() -> Iterator[None]:
    with style.applied():
        yield
