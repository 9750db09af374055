"""Requests are gathered for some milliseconds: a network takes many rows in the time of a few."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from dl.errors import BusyError, DlError
from dl.serve.service import Answer, Asked

PAUSE = 0.002
"""Seconds for which a first request waits for others: below what a person or a network notices."""
MOST_TOGETHER = 1024
"""Rows of a batch; a single request may have more."""
MOST_WAITING = 50_000
"""Rows that wait to be predicted; a request that comes then is refused, not kept for minutes."""

Predict = Callable[[Sequence[Asked]], list[Answer | DlError]]


class Gatherer:
    """Has requests answered in batches, one at a time, in a thread of its own.

    Args:
        predict: Answers several requests.
    """

    def __init__(self, predict: Predict) -> None:
        self._predict = predict
        self._thread = ThreadPoolExecutor(1, "predict")
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._work: asyncio.Task[None] | None = None
        self.rows = 0
        """Rows that wait, or are being predicted."""
        self.batches = 0
        """Batches so far."""

    async def ask(self, asked: Asked) -> Answer:
        """Returns the answer to a request.

        Raises:
            DlError: Its rows cannot be used.
            BusyError: Too many rows wait already.
        """
        if self.rows and self.rows + len(asked) > MOST_WAITING:
            raise BusyError(f"{self.rows:,} rows wait already", hint="ask again in a second")
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        self.rows += len(asked)
        try:
            if self._work is None:
                self._work = asyncio.create_task(self._answer())
            return await future
        finally:
            self.rows -= len(asked)

    async def _answer(self) -> None:
        try:
            await asyncio.sleep(PAUSE)
            while self._waiting:
                await self._answer_some(self._next())
        finally:
            self._work = None

    def _next(self) -> list[tuple[Asked, asyncio.Future[Answer]]]:
        rows, count = 0, 0
        for asked, _ in self._waiting:
            rows += len(asked)
            if count and rows > MOST_TOGETHER:
                break
            count += 1
        chosen, self._waiting = self._waiting[:count], self._waiting[count:]
        return [each for each in chosen if not each[1].done()]  # whose client has not gone

    async def _answer_some(self, batch: list[tuple[Asked, asyncio.Future[Answer]]]) -> None:
        if not batch:
            return
        self.batches += 1
        loop = asyncio.get_running_loop()
        try:
            said: Sequence[Answer | Exception] = await loop.run_in_executor(
                self._thread, self._predict, [asked for asked, _ in batch]
            )
        except Exception as error:  # nobody foresaw it: each is told, and the next are answered
            said = [error] * len(batch)
        for (_, future), answer in zip(batch, said, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
