"""Rules on `tracking`: a store that MLflow can open."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dl.config.rules.partial import Facts
from dl.errors import closest
from dl.vocabulary.spec import Finding

_SERVERS = ("http", "https", "databricks")
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9.-]*)(\+[A-Za-z0-9_]+)?:(?://)?(.*)", re.DOTALL)
_HOST = re.compile(r"[\w.-]+:\d+")
_EXPECTED = "http://…, https://…, or a database such as sqlite:///mlflow.db"


def store_is_one_of_mlflow(facts: Facts) -> Iterator[Finding]:
    """MLflow opens servers and databases; folders of files no longer."""
    store = facts.tracking.mlflow if facts.tracking else None
    if store is None or store.uri is None or store.uri == "databricks":
        return
    match = _SCHEME.fullmatch(store.uri)
    scheme = match[1].lower() if match else ""
    if match and scheme in (*_SERVERS, *_DATABASES) and match[3].strip("/"):
        return
    yield Finding(
        ("tracking", "mlflow", "uri"),
        "is not a store that MLflow can open",
        expected=_EXPECTED,
        found=store.uri,
        hint=_hint(scheme, store.uri),
    )


def _hint(scheme: str, uri: str) -> str:
    if scheme in (*_SERVERS, *_DATABASES):
        return f"say which one, for example {_example(scheme)}"
    if _HOST.match(uri):
        return f"of a server that is running: http://{uri}"
    if scheme in ("", "file"):
        return "MLflow no longer writes to folders: write sqlite:///mlflow.db"
    near = closest(scheme, (*_SERVERS, *_DATABASES))
    return f"did you mean {near}?" if near else "for example sqlite:///mlflow.db"


def _example(scheme: str) -> str:
    if scheme == "sqlite":
        return "sqlite:///mlflow.db"
    return f"{scheme}://localhost:5000" if scheme in _SERVERS else f"{scheme}://user@host/mlflow"
