"""A warm process without libraries, whose copies say in JSON what they are, or do as they are told.

Run with the seconds after which it ends, and `fresh`, `rehearsed` or `failing`: whether a copy
stands by; `dl train ACT` has one of `_ACTS` done.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable

import numpy as np

import dl.cli
from dl.cli.process import end_at_once
from dl.warm.children import start
from dl.warm.server import Handed, WarmProcess

assert dl.cli  # makes this process one of `dl`


def tell() -> None:
    """Writes what a command finds."""
    found = {
        "arguments": sys.argv,
        "folder": os.getcwd(),
        "umask": os.umask(0),
        "environment": {name: os.environ[name] for name in sorted(os.environ)},
        "files": resource.getrlimit(resource.RLIMIT_NOFILE),
        "niceness": os.nice(0),
        "terminal": [os.isatty(0), sys.stdout.isatty(), os.isatty(2)],
        "missing": [sys.stdin is None, sys.stdout is None, sys.stderr is None],
        "ignored": signal.getsignal(signal.SIGHUP) == signal.SIG_IGN,
        "random": [random.random(), float(np.random.random()), uuid.uuid4().hex],
        "pid": os.getpid(),
        "blocked": [int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
    }
    with open("told.json", "w", encoding="utf-8") as file:
        json.dump(found, file)
    print("told")


def wait() -> None:
    """Begins to work, and goes on."""
    print("begun", flush=True)
    time.sleep(60)


def answer() -> None:
    """Takes a signal and ends with a code of its own."""
    print("begun", flush=True)
    signal.sigwait([signal.SIGUSR1])
    sys.exit(9)


def have_done() -> None:
    """Has a copy of itself do a part."""
    child = start("support.warm_server", ["a"], piped=True)
    print(child.communicate()[1].decode(), end="")
    sys.exit(child.returncode)


def die() -> None:
    """Dies as of a fault."""
    os.kill(os.getpid(), signal.SIGSEGV)


_ACTS: dict[str, Callable[[], None]] = {
    "tell": tell,
    "wait": wait,
    "answer": answer,
    "part": have_done,
    "die": die,
}


def main() -> None:
    """Is the part of `have_done`."""
    sys.stderr.write(f"{sys.argv[1:]}, begun anew: {__name__ == '__main__'}\n")
    sys.exit(5)


def rehearse() -> bool:
    """Starts a thread, as TensorFlow does: a copy of this process would not have it."""
    threading.Thread(target=time.sleep, args=[600], daemon=True).start()
    return sys.argv[2] == "rehearsed"


def _serve() -> None:
    process = WarmProcess(float(sys.argv[1]), None if sys.argv[2] == "fresh" else rehearse)
    process.listen()
    print("listening", flush=True)
    handed = process.serve()
    if handed is not None:
        _do(handed)


def _do(handed: Handed) -> None:
    end_at_once()
    act = sys.argv[2]
    if act == "answer":
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        handed.blocked.append(signal.SIGUSR1)
    handed.begin()
    code = 0
    try:
        _ACTS[act]()
    except SystemExit as error:
        code = int(error.code or 0)
    if sys.stdout is not None:
        sys.stdout.flush()
    handed.end(code)
    os._exit(code)


if __name__ == "__main__":
    main() if sys.argv[1:] == ["a"] else _serve()
