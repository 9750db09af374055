"""`dl schema`: the JSON Schema of the config, for editors."""

from __future__ import annotations

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of the config.

    Editors that speak YAML use it to complete keys and to mark mistakes while you type.
    """
    import json

    from dl.config.reference import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
