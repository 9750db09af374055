"""Train the examples of the site, into build/site-examples; their pages become part of the site."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BUILT = Path(__file__).resolve().parents[1] / "build" / "site-examples"


@dataclass(frozen=True, slots=True)
class Shown:
    """An example: the page that its commands leave, its title, and what to look at."""

    file: str
    title: str
    about: str
    commands: tuple[str, ...]


EXAMPLES = (
    Shown(
        "runs/digits/0001/report.html",
        "A classifier: digits",
        "Move the slider below *Epoch by epoch*, click a number of the confusion matrix, enlarge a "
        "mistake. All about it: [The page of a run](reports.md).",
        ("dl init --example digits > digits.yaml", "dl train digits.yaml"),
    ),
    Shown(
        "runs/moons/0001/report.html",
        "Two inputs: moons",
        "A network of two inputs has its decision surface on the page, epoch by epoch.",
        ("dl init --example moons > moons.yaml", "dl train moons.yaml"),
    ),
    Shown(
        "compared.html",
        "A comparison: one activation for another",
        "What differs between two runs, and whether the difference is more than chance.",
        (
            "dl init --example iris > iris.yaml",
            "dl train iris.yaml",
            "dl train iris.yaml --set model.layers.0.activation=tanh",
            "dl compare iris/1 iris/2 --html compared.html",
        ),
    ),
    Shown(
        "runs/iris-sweep/0001/report.html",
        "A sweep: batch sizes and learning rates",
        "The settings ranked, and what each parameter has to do with the result. How to run one: "
        "[Sweeps](sweeps.md).",
        (
            "dl sweep iris.yaml --grid training.batch_size=8,16,32 "
            "--grid training.optimizer.learning_rate=0.001,0.01,0.1 --set training.epochs=20",
            "dl report iris-sweep",
        ),
    ),
)


def name_in_site(shown: Shown) -> str:
    """Returns where the page of an example lies in the site."""
    parts = Path(shown.file).parts
    return f"examples/{Path(shown.file).stem if len(parts) == 1 else parts[1]}.html"


def examples_page() -> str:
    """Returns the Markdown of the page; without the reports where they have not been trained."""
    lines = [
        "---\nhide: [toc]\n---",
        "# Reports to try",
        "",
        "Pages as `dl` leaves them, trained when this site was built. Each is one file that loads "
        "nothing.",
    ]
    for shown in EXAMPLES:
        file = name_in_site(shown)
        lines += [
            "",
            f"## {shown.title}",
            "",
            shown.about,
            "",
            "```console",
            *shown.commands,
            "```",
            "",
        ]
        if (BUILT / shown.file).is_file():
            lines += [f"<p><a href='{file}'>Open it on its own</a></p>", ""]
            lines += [f"<iframe src='{file}' title='{shown.title}' loading='lazy'></iframe>"]
        else:
            lines += ["This site was built without it."]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Runs the commands of each example that is not there yet; returns the exit code."""
    BUILT.mkdir(parents=True, exist_ok=True)
    dl = f"{shlex.quote(sys.executable)} -m dl "
    for shown in EXAMPLES:
        if not (BUILT / shown.file).is_file():
            script = "\n".join(line.replace("dl ", dl, 1) for line in shown.commands)
            subprocess.run(["sh", "-ec", script], cwd=BUILT, check=True, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
