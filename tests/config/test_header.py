"""A file without a header: its first row must not become the names of the columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Dl
from dl.config.tables import refuse_row
from dl.errors import DataError

IRIS = ["5.1,3.5,1.4,0.2,setosa", "4.9,3.0,1.4,0.2,setosa", "6.3,3.3,6.0,2.5,virginica"] * 9
CONFIG = """\
data: {source: csv, path: iris.csv, target: setosa}
model: {layers: [{type: Dense, units: 1, activation: sigmoid}]}
training: {loss: crossentropy}
"""
ERROR = """\
error: {path}:1: the first line is a row of data, not the names of the columns
expected: a first line with a name for each column
found: 5.1,3.5,1.4,0.2,setosa
hint: add `header: false` below `data`: the columns are then c1, c2, …; or list their names: \
`header: [a, b, …]`
"""


def is_refused(header: str, *rows: str) -> bool:
    try:
        refuse_row("t.csv", header.split(","), [row.split(",") for row in rows], ",")
    except DataError:
        return True
    return False


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("5.1,3.5,setosa", ["4.9,3.0,setosa", "6.3,3.3,virginica"]),
        ("5,86,68,28,30.2", ["7,195,70,33,25.1", "5,77,82,41,35.8", "0,90,60,20,20.0"]),
        ("2,2,7", ["2,3,9", "3,2,7"]),
        ("p,x,s", ["e,x,s", "p,b,y"]),
        ("1949-01,112", ["1949-02,118", "1949-03,132", "1949-04,104"]),
        ("2010/01/01 00:00,39.4", ["2010/01/01 01:00,39.2", "2010/01/01 02:00,39.9"]),
        ("such a very good and fine film,pos", ["one of the worst films of all,neg",
                                                "a film to see again and again,pos"]),
        ("1,0,3,Braund,male,22,1,0,7.25,,S", ["2,1,1,Cumings,female,38,1,0,71.2,C85,C",
                                              "3,1,3,Heikkinen,male,26,0,0,7.9,,S",
                                              "4,0,2,Futrelle,female,35,1,0,53.1,,S"]),
    ],
)  # fmt: skip
def test_row_in_the_place_of_the_header_is_refused(header: str, rows: list[str]) -> None:
    assert is_refused(header, *rows)


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("length,width,species", ["4.9,3.0,setosa", "6.3,3.3,virginica"]),
        ("0,1,2,3,label", ["0,5,9,2,a", "3,1,4,0,b"]),
        ("country,1990,2000,2010", ["a,1,2000,3", "b,4,3000,2"]),
        ("400.5,410.5,420.5", ["400.1,411,420", "405,409.3,425"]),
        ("1017,207,5290,y", ["3.1,0.2,8.8,1", "2.9,0.4,9.3,0"]),
        ("1,2", ["3,4", "5,6"]),
        ("a,b", ["a,1"]),
        (",x,y", ["0,1,2", "1,3,4"]),
        ("x", ["1", "2"]),
        ("male,female", ["1,0", "0,1"]),
        ("x,y", []),
    ],
)
def test_names_of_columns_are_left_alone(header: str, rows: list[str]) -> None:
    assert not is_refused(header, *rows)


def test_columns_that_are_asked_for_have_these_names() -> None:
    header, *rows = (line.split(",") for line in IRIS)
    refuse_row("t.csv", header, rows, ",", named=["5.1", "setosa"])
    with pytest.raises(DataError):
        refuse_row("t.csv", header, rows, ",")


@pytest.mark.parametrize("command", ["validate", "lint", "train"])
def test_every_command_says_what_to_do_now(
    command: str, dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris.csv").write_text("\n".join(IRIS) + "\n")
    (tmp_path / "iris.yaml").write_text(CONFIG)
    done = dl(command, "iris.yaml")
    path = tmp_path / "iris.csv"
    assert (done.code, done.out) == (3, "")
    assert done.err.endswith(ERROR.format(path=path))


def test_init_finds_it_and_numbers_the_columns(
    dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris.csv").write_text("\n".join(IRIS) + "\n")
    done = dl("init", "iris.csv", "--target", "c5")
    told = (
        "  header: false                   # the first line is a row, too: the columns are c1 to c5"
    )
    assert (done.code, done.err) == (0, "")
    assert told in done.out
    (tmp_path / "iris.yaml").write_text(done.out)
    assert dl("validate", "iris.yaml").code == 0


def test_rows_of_another_length_say_nothing_of_the_header(dl: Dl, tmp_path: Path) -> None:
    path = tmp_path / "ragged.csv"
    path.write_text("a,b\n1\n2,3,4\n")
    done = dl("init", str(path), "--target", "b")
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        f"error: {path}:2: row has 1 value\n"
        "expected: 2 values, as in the header\n"
        'hint: put a value that holds the separator in quotes: "a, b"\n'
    )


def test_runs_of_spaces_are_no_header_of_one_column(
    dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = ['18.0   8   307.0      3504.\t"chevrolet malibu"', '15.0   8   350.0  3693.\t"buick"']
    (tmp_path / "mpg.data").write_text("\n".join(rows) + "\n")
    (tmp_path / "mpg.yaml").write_text(CONFIG.replace("iris.csv", "mpg.data"))
    assert dl("train", "mpg.yaml").err.endswith(
        f"error: {tmp_path}/mpg.data:1: the columns are separated by runs of spaces\n"
        "expected: columns separated by ','\n"
        "found: '18.0   8   307.0      3504.\\t\"chevrolet malibu\"'\n"
        "hint: add `separator: blanks` below `data`\n"
    )
