"""What `dl board` and `dl serve` share: who may ask, and what a browser is told with each page."""

from __future__ import annotations

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""The names of this machine for itself."""


def allowed_hosts(host: str) -> list[str]:
    """Returns the names under which a server at this address may be asked.

    On this machine alone these are its own names, so that a page from elsewhere cannot ask by way
    of a name that leads here.
    """
    return ["localhost", "127.0.0.1", "[::1]", host] if host in LOOPBACK else ["*"]
