"""Connections that cost little, however slow they are and however many come."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
PART_BYTES = 16 << 10  # as much as a record of TLS has


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 in which the head of a request comes within some seconds, or never.

    uvicorn itself waits for the head of one for ever. What comes is read in parts of at most
    `PART_BYTES`.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)
        _read_little(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take some bytes; what is not a whole head yet is waited for."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._wait_for_head()
        else:
            self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """End to wait."""
        self._rest()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _rest(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None


def _read_little(transport: Any) -> None:
    """Let a transport of asyncio ask for `PART_BYTES` at once, and not for 256 KiB.

    It takes that much before it reads and gives back what was not needed. What remains lies where
    no second such piece finds room, so the heap of a listener would grow by some 30 bytes an event
    without end, though nothing is held.
    """
    # With TLS it is the protocol in between that reads.
    readers: tuple[Any, ...] = (transport, getattr(transport, "_ssl_protocol", None))
    for each in readers:
        if hasattr(each, "max_size"):
            each.max_size = PART_BYTES
