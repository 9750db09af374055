"""Write docs/config.md and docs/dl.schema.json from the types; with --check, only compare."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from dl.config.reference import json_schema, markdown

DOCS = Path(__file__).resolve().parents[1] / "docs"


def contents() -> dict[Path, str]:
    """Returns the files and what they have to hold."""
    return {DOCS / "config.md": markdown(), DOCS / "dl.schema.json": schema_text(json_schema())}


def schema_text(schema: dict[str, Any]) -> str:
    """Returns a JSON Schema with one line for each definition: small, and its changes readable."""
    lines = [f"  {_json(key)}: {_json(value)}" for key, value in schema["$defs"].items()]
    head = [f" {_json(key)}: {_json(value)}" for key, value in schema.items() if key != "$defs"]
    definitions = ' "$defs": {\n' + ",\n".join(lines) + "\n }"
    return "{\n" + ",\n".join([*head, definitions]) + "\n}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def stale(files: dict[Path, str]) -> list[Path]:
    """Returns the files that are missing or hold something else."""
    return [
        path
        for path, text in files.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Writes the files, or with --check says which are not fresh; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if a file is stale")
    check = parser.parse_args().check
    old = stale(contents())
    for path in old:
        print(f"{'stale' if check else 'wrote'}: {path}", file=sys.stderr)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(contents()[path], encoding="utf-8")
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main())
