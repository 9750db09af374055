import gzip
from pathlib import Path

import pytest

from conftest import Dl
from dl.data.sources.dialect import Dialect, sniff
from dl.errors import DataError


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_sniff_finds_the_separator(separator: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(separator.join("ab") + "\n" + separator.join("12") + "\n", encoding="utf-8")
    assert sniff(path) == Dialect(str(path), separator, "utf-8")


def test_sniff_is_not_led_astray_by_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a;b;c\n1,5;2,5;x\n1,7;2;y\n", encoding="utf-8")
    assert sniff(path).separator == ";"


def test_sniff_takes_a_single_column_for_comma_separated(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n2\n", encoding="utf-8")
    assert sniff(path).separator == ","


@pytest.mark.parametrize(
    ("encoding", "named"), [("utf-8", "utf-8"), ("latin-1", "latin-1"), ("utf-16", "utf-16")]
)
def test_sniff_finds_the_encoding(encoding: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("größe,b\n1,é\n", encoding=encoding)
    assert sniff(path) == Dialect(str(path), ",", named)


def test_sniff_looks_at_whole_lines_of_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "é,2\n" * 30_000, encoding="utf-8")
    assert sniff(path) == Dialect(str(path), ",", "utf-8")


def test_sniff_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        sniff(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("lines", "separator", "header"),
    [
        (['18   8   307\t"a b"', '15   8   350\t"a b"', '21   6   300\t"c d"'], "blanks", False),
        (["mpg cyl", "18.0  8", "15.0  6"], "blanks", True),
        (["47, 100, 27", "0, 110, 27", "79, 90, 26"], ",", False),
        (["2010 01 01,3.4", "2010 01 02,3.2", "2010 01 03,3.6"], ",", False),
        (["day,load", "2010/01/01 00:00,39.4", "2010/01/01 01:00,39.2"], ",", True),
    ],
)
def test_sniff_finds_blanks_and_whether_there_is_a_header(
    lines: list[str], separator: str, header: bool, tmp_path: Path
) -> None:
    path = tmp_path / "a.data"
    path.write_text("\n".join(lines) + "\n")
    found = sniff(path)
    assert (found.separator, found.header) == (separator, header)


def test_sniff_looks_into_a_packed_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress("größe;b\n1;é\n".encode("latin-1")))
    assert sniff(path) == Dialect(str(path), ";", "latin-1")


def test_init_takes_a_folder_or_a_pattern_of_files(
    dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    for part in range(3):
        rows = "".join(f"{i * part % 7},{i % 2}\n" for i in range(20))
        (tmp_path / "parts" / f"{part}.csv").write_text("x,y\n" + rows)
    for path in ("parts", "parts/*.csv"):
        done = dl("init", path, "--target", "y")
        assert "60 rows" in done.out
        assert "  # 3 files, relative to this file\n" in done.out
        (tmp_path / "c.yaml").write_text(done.out)
        assert dl("validate", "c.yaml").code == 0
