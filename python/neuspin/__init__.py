"""Client of boards that run a neuspin design with a serial port, and of `neuspin serve`, which simulates one.

    from neuspin import Board

    with Board("/dev/ttyUSB1") as board:        # or "tcp://127.0.0.1:7000"
        found = board.run(images)               # integers, N x features
    found.klass, found.mean_logits, found.agreement

The protocol is docs/protocol.md, the fields of a result are those of docs/semantics.md, sections 5 and 7.
"""

from .board import Board, Results
from .errors import (
    BoardError,
    LostError,
    PortError,
    ProtocolError,
    RefusedError,
    SilentError,
    TakenError,
)
from .protocol import Decoder, Frame, Identity, crc16

__all__ = [
    "Board",
    "BoardError",
    "Decoder",
    "Frame",
    "Identity",
    "LostError",
    "PortError",
    "ProtocolError",
    "RefusedError",
    "Results",
    "SilentError",
    "TakenError",
    "crc16",
]
