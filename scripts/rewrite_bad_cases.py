"""Write the expected text beside every config in tests/cases/bad; read the difference after."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dl.config.load import load_config
from dl.errors import ConfigError, error_text

BAD = Path(__file__).resolve().parents[1] / "tests" / "cases" / "bad"


def main() -> int:
    """Writes the texts; returns 1 if a config has no error."""
    os.chdir(BAD)
    wrong = 0
    for path in sorted(Path().glob("*.yaml")):
        text = text_of(path)
        if text is None:
            print(f"no error: {path}", file=sys.stderr)
            wrong = 1
            continue
        path.with_suffix(".txt").write_text(text + "\n", encoding="utf-8")
    return wrong


def text_of(path: Path) -> str | None:
    """Returns what the terminal shows for a config, None if it is right."""
    try:
        load_config(path)
    except ConfigError as error:
        return error_text(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
