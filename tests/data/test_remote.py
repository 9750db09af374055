"""Tables in a store of the user's own: the commands read them there, and say what goes wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyarrow import fs

from conftest import Dl
from dl.config import files as remote
from dl.config.files import files_at
from dl.data.read import read_parts
from dl.progress import SilentReporter
from support.tables import config_with, told

CONFIG = """\
name: run
data:
  {{source: {source}, path: {path}, target: y, remote: true, split: {{validation: 0.2, test: 0.2}}}}
model: {{layers: [{{type: Dense, units: 1}}]}}
training: {{loss: mse, epochs: 1}}
"""
TABLE = pd.DataFrame({"x": [i / 7 for i in range(40)], "y": [i / 3 for i in range(40)]})
WRITE: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    "csv": lambda table, path: table.to_csv(path, index=False),
    "parquet": lambda table, path: table.to_parquet(path, index=False),
    "jsonl": lambda table, path: table.to_json(path, orient="records", lines=True),
    "feather": lambda table, path: table.to_feather(path),
}


class Store:
    """A file system of the folder `store`, whose connection can fail."""

    def __init__(self, folder: Path) -> None:
        self.inside = fs.SubTreeFileSystem(str(folder), fs.LocalFileSystem())
        self.copied: list[str] = []
        self.broken: OSError | None = None
        self.cut = 0

    def get_file_info(self, what: Any) -> Any:
        if self.broken and not self.cut:
            raise self.broken
        return self.inside.get_file_info(what)

    def open_input_stream(self, path: str, compression: str | None) -> Any:
        self.copied.append(path)
        return _Stream(self, self.inside.open_input_stream(path, compression))


class _Stream:
    """Yields the bytes up to `cut`, if there is one, and then fails or ends."""

    def __init__(self, store: Store, stream: Any) -> None:
        self.store, self.stream, self.ended = store, stream, False

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *error: object) -> None:
        self.stream.close()

    def read(self, size: int) -> bytes:
        if self.ended and self.store.broken:
            raise self.store.broken
        content: bytes = b"" if self.ended else self.stream.read(self.store.cut or size)
        self.ended = bool(self.store.cut)
        return content


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    (tmp_path / "store" / "mine" / "parts" / "deep").mkdir(parents=True)
    made = Store(tmp_path / "store")
    monkeypatch.setattr(remote, "_store", lambda scheme, bucket, process: (made, bucket))
    monkeypatch.setattr(remote, "_copies", {})
    monkeypatch.chdir(tmp_path)
    return made


def config(url: str | list[str], **data: object) -> Any:
    return config_with({"source": "csv", "path": url, "target": "y", "remote": True, **data})


def read(url: str | list[str], **data: object) -> Any:
    return read_parts(config(url, **data), SilentReporter())


@pytest.mark.parametrize("source", WRITE)
def test_each_format_is_copied_once_and_read_as_a_file_is(
    store: Store, tmp_path: Path, source: str
) -> None:
    near = tmp_path / "store" / "mine" / f"rows.{source}"
    WRITE[source](TABLE, near)
    url = f"s3://mine/rows.{source}"
    told_apart = [read(at, source=source) for at in (url, str(near))]
    assert told_apart[0].fingerprint == told_apart[1].fingerprint
    far, beside = (dict(parts.train.columns)["x"].values.tolist() for parts in told_apart)
    assert far == beside == pytest.approx(TABLE["x"].tolist())
    assert store.copied == [f"mine/rows.{source}"]


def test_the_commands_read_a_store(dl: Dl, store: Store, tmp_path: Path) -> None:
    near = tmp_path / "store" / "mine" / "rows.csv"
    TABLE.to_csv(near, index=False)
    url = "s3://mine/rows.csv"
    for name, path in (("far", url), ("near", near)):
        Path(f"{name}.yaml").write_text(CONFIG.format(source="csv", path=path))
        assert dl("train", f"{name}.yaml", "--name", name).code == 0
    far, beside = (next((tmp_path / "runs").glob(f"{name}/*/model.h5")) for name in ("far", "near"))
    assert far.read_bytes() == beside.read_bytes()
    assert f'path: "{url}"' in far.with_name("resolved.yaml").read_text()
    assert json.loads(dl("evaluate", "far", "--data", url, "--json").out)
    answers = [dl("predict", "far", at).out for at in (url, str(near))]
    assert answers[0] == answers[1] != ""
    assert dl("data", "far.yaml").code == 0
    assert store.copied == ["mine/rows.csv"]


def test_lists_and_patterns_are_sorted_and_stay_in_their_folders(
    store: Store, tmp_path: Path
) -> None:
    for place in ("parts/b.csv", "parts/a.csv", "parts/a.txt", "parts/deep/c.csv", "d.csv"):
        TABLE.to_csv(tmp_path / "store" / "mine" / place, index=False)
    shown = {
        pattern: [str(path).removeprefix("gs://mine/") for path in files_at(pattern, True)]
        for pattern in ("gs://mine/parts/*.csv", "gs://mine/**/?.csv", "gs:/mine/*/deep/*")
    }
    assert list(shown.values()) == [
        ["parts/a.csv", "parts/b.csv"],
        ["d.csv", "parts/a.csv", "parts/b.csv", "parts/deep/c.csv"],
        ["parts/deep/c.csv"],
    ]
    assert store.copied == []
    assert len(read(["gs://mine/d.csv", "gs://mine/parts/*.csv"]).train) == 3 * len(TABLE)


def test_without_the_key_a_store_is_a_url_and_the_hint_names_the_key(store: Store) -> None:
    assert told(lambda: read("s3://mine/rows.csv", remote=False)) == (
        "s3:/mine/rows.csv: is a URL\nexpected: a path on this machine\n"
        "hint: download it first; what is in a store of your own is read there with "
        "`remote: true` below `data`"
    )
    assert told(lambda: read("https://mine/rows.csv")).endswith("hint: download it first")


def test_validating_asks_no_network(dl: Dl, store: Store) -> None:
    store.broken = OSError("the network was asked")
    Path("far.yaml").write_text(CONFIG.format(source="csv", path="s3://mine/*.csv"))
    assert dl("validate", "far.yaml").code == 0


@pytest.mark.parametrize(
    ("broken", "cut", "found"),
    [
        (OSError("AWS Error NETWORK_CONNECTION\nDetails"), 0, "AWS Error NETWORK_CONNECTION"),
        (OSError(104, "Connection reset by peer"), 50, "[Errno 104] Connection reset by peer"),
        (None, 50, "it ended after 50 of 1502 bytes"),
    ],
)
def test_a_connection_that_fails_is_one_error_and_leaves_no_run(
    dl: Dl, store: Store, tmp_path: Path, broken: OSError | None, cut: int, found: str
) -> None:
    TABLE.to_csv(tmp_path / "store" / "mine" / "rows.csv", index=False)
    size = (tmp_path / "store" / "mine" / "rows.csv").stat().st_size
    store.broken, store.cut = broken, cut
    Path("far.yaml").write_text(CONFIG.format(source="csv", path="s3://mine/rows.csv"))
    outcome = dl("train", "far.yaml")
    assert outcome.code == 3
    assert outcome.err.endswith(
        "error: s3://mine/rows.csv: cannot be read from its store\n"
        f"found: {found.replace('1502', str(size))}\n"
        "hint: check the network, the name, and the credentials in the environment\n"
    )
    assert not list(tmp_path.glob("runs/run/*"))
    store.broken, store.cut = None, 0
    assert len(read("s3://mine/rows.csv").train) == len(TABLE)


def test_what_is_not_there_is_told(store: Store) -> None:
    assert told(lambda: read("s3://mine/none.csv")) == "s3://mine/none.csv: there is no such file"
    assert told(lambda: read("s3://mine/x*")) == "s3://mine/x*: no file fits this pattern"
    assert told(lambda: read("s3://mine/parts")) == (
        "s3://mine/parts: is a folder\nhint: name its files by a pattern: s3://mine/parts/*"
    )
    assert told(lambda: read("s3://key:secret@mine/rows.csv")) == (
        "the URL of a file in s3:// holds credentials\n"
        "hint: leave them out: they are taken from the environment"
    )


def test_a_packed_file_stays_packed_on_its_way(store: Store, tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "store" / "mine" / "rows.csv.gz", index=False)
    assert len(read("s3://mine/rows.csv.gz").train) == len(TABLE)


def test_a_row_is_named_by_its_url(store: Store, tmp_path: Path) -> None:
    (tmp_path / "store" / "mine" / "rows.csv").write_text("x,y\n1,2\n3,4,5\n")
    assert told(lambda: read("s3://mine/rows.csv")).startswith("s3://mine/rows.csv:3: row has 3")


def test_a_file_that_has_changed_is_copied_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_ASKED_AGAIN", 0)
    path = tmp_path / "store" / "mine" / "rows.csv"
    for rows in (10, 20):
        TABLE[:rows].to_csv(path, index=False)
        assert len(read("s3://mine/rows.csv").train) == rows
    assert len(store.copied) == 2


def test_a_full_disk_is_told(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dl: Dl
) -> None:
    TABLE.to_csv(tmp_path / "store" / "mine" / "rows.csv", index=False)
    Path("far.yaml").write_text(CONFIG.format(source="csv", path="s3://mine/rows.csv"))

    def full(*where: object, **named: object) -> str:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("tempfile.mkdtemp", full)
    outcome = dl("train", "far.yaml")
    assert outcome.code == 7
    assert outcome.err.endswith(
        "cannot hold a copy of s3://mine/rows.csv: No space left on device\n"
        "hint: free some space, or set TMPDIR to a folder on another disk\n"
    )
