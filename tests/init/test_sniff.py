from pathlib import Path

import pytest

from dl.data.sources.csv import Dialect
from dl.errors import DataError
from dl.init.columns import sniff


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
