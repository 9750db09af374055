"""Every command of the README works, in the order in which it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

README = Path(__file__).parents[1] / "README.md"


def _blocks(language: str) -> list[str]:
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_every_command_works_in_order(tmp_path: Path) -> None:
    dl = f"{shlex.quote(sys.executable)} -m dl "
    lines = [line for block in _blocks("console") for line in block.splitlines()]
    commands = [dl + line.removeprefix("dl ") for line in lines if line.startswith("dl ")]
    assert len(commands) == len(lines) == 29
    script = "set -eux\n" + "\n".join(commands)
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "predictions.csv").read_text(encoding="utf-8").count("\n") == 732


def test_the_config_is_right(tmp_path: Path) -> None:
    from dl.config.load import load_config

    (block,) = _blocks("yaml")
    (tmp_path / "mine.csv").write_text("a,rentals\n1,2.5\n2,3.5\n", encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(block, encoding="utf-8")
    assert load_config(path).config.name == yaml.safe_load(block)["name"]


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    missing = [link for link in links if not (README.parent / link).exists()]
    assert links
    assert not missing
