"""A client of a board: who are you, registers, images."""

import os
import time
from collections import deque
from dataclasses import dataclass
from typing import Callable, Optional

import numpy as np

from .errors import LostError, PortError, ProtocolError, RefusedError, SilentError, TakenError
from .link import open_link
from .protocol import ANSWER, ERROR, HELLO, IMAGE, READ, RESULT, WRITE, Decoder, Frame, Identity, reason

CONTROL, STATUS, PASSES, ROOT_LOW, ROOT_HIGH = 0x01, 0x02, 0x03, 0x06, 0x07
TRIES = 4
# Longer than a board's time-out, after which it looks for a header again.
PAUSE = 0.08
LN_2 = float(np.log(2.0))


@dataclass
class Results:
    """Arrays with a row an image. Parts that the design does not compute are None; entropies are in nats."""

    klass: np.ndarray
    passes: np.ndarray
    #: Integers of the contract, N x classes.
    sum: np.ndarray
    sumsq: np.ndarray
    votes: np.ndarray
    #: Mean over the passes, N x classes.
    mean_logits: np.ndarray
    #: Share of the passes that voted for the class.
    agreement: np.ndarray
    #: The flag, or else that less than half of the passes voted for the class: what the board's light shows.
    uncertain: np.ndarray
    probability: Optional[np.ndarray] = None
    probability_variance: Optional[np.ndarray] = None
    entropy: Optional[np.ndarray] = None
    mutual_information: Optional[np.ndarray] = None
    flag: Optional[np.ndarray] = None

    def __len__(self) -> int:
        return len(self.klass)


class Board:
    """A connection to a board.

    port      path of a serial port, or "tcp://HOST:PORT"
    baud      bits a second that the design was generated for
    timeout   seconds without an answer after which the board counts as silent
    reconnect seconds in which `run` may take a lost connection up again
    """

    def __init__(self, port: str, baud: int = 115200, timeout: float = 2.0, reconnect: float = 10.0) -> None:
        self.port, self.baud, self.timeout, self.reconnect = port, baud, timeout, reconnect
        self._link = None
        self.connect()

    # Connection.

    def connect(self) -> None:
        """Opens the port, asks who is there, and waits until no image of an earlier client is outstanding."""
        self.close()
        self._link = open_link(self.port, self.baud)
        self._decoder, self._late = Decoder(), deque()
        self._tag = (os.getpid() ^ time.time_ns() >> 10) & 0xFF
        started = time.monotonic()
        try:
            while True:
                self.identity = self._hello()
                if self.identity.pending == 0:
                    return
                if time.monotonic() - started > 10 * self.timeout:
                    raise ProtocolError(f"{self.port}: images of an earlier client do not come to an end")
                time.sleep(0.005)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    # Registers.

    def read(self, address: int) -> int:
        return self._value(READ, bytes([address]))

    def write(self, address: int, value: int) -> int:
        """What the register reads as after it was written."""
        return self._value(WRITE, bytes([address]) + value.to_bytes(4, "little"))

    def restart(self, passes: Optional[int] = None, root: Optional[int] = None) -> None:
        """Starts all random streams anew: the next image is image 0 of them. With other passes or another root, if given."""
        if passes is not None:
            if not 1 <= passes <= self.identity.max_passes:
                raise ValueError(f"{passes} passes: the design has room for 1 to {self.identity.max_passes}")
            self.write(PASSES, passes)
        if root is not None:
            self.write(ROOT_LOW, root & 0xFFFFFFFF)
            self.write(ROOT_HIGH, root >> 32)
        self.write(CONTROL, 1)
        started = time.monotonic()
        while self.read(STATUS):
            if time.monotonic() - started > 10 * self.timeout:
                raise ProtocolError(f"{self.port}: the restart does not come to an end")

    # Images.

    def run(
        self,
        images,
        passes: Optional[int] = None,
        restart: bool = True,
        each: Optional[Callable[[int, dict], None]] = None,
    ) -> Results:
        """Streams images, N x features integers, and returns what the board says of them, in their order.

        By default the streams start anew, so the same images give the same results each time. `each` is called with an image's
        number and its fields as soon as they are there. A lost connection is taken up again, with new streams.
        """
        images = np.asarray(images)
        if images.ndim == 1:
            images = images[None]
        self._check(images)
        fields = [None] * len(images)
        while True:
            try:
                if restart or passes is not None:
                    self.restart(passes)
                self._stream(images, fields, each)
                return self._results(fields)
            except (LostError, SilentError) as error:
                self._again(error)

    def _check(self, images: np.ndarray) -> None:
        if images.ndim != 2 or images.shape[1] != self.identity.features:
            raise ValueError(f"images of shape {images.shape}; the board reads N x {self.identity.features}")
        if not np.issubdtype(images.dtype, np.integer):
            raise ValueError(f"images of {images.dtype}; the board reads integers of {self.identity.input_bits} bits")
        low, high = self.identity.range()
        if images.size and (images.min() < low or images.max() > high):
            raise ValueError(f"values from {images.min()} to {images.max()}; the board reads {low} to {high}")

    def _again(self, error: Exception) -> None:
        started = time.monotonic()
        wanted = self.identity.fingerprint
        while True:
            try:
                self.connect()
                break
            except (LostError, SilentError, PortError) as last:
                if time.monotonic() - started >= self.reconnect:
                    raise error from last
                time.sleep(0.2)
        if self.identity.fingerprint != wanted:
            raise ProtocolError(f"{self.port}: another design is on the board after the connection was lost")

    def _stream(self, images: np.ndarray, fields: list, each) -> None:
        self._late.clear()
        left = deque((n, 0) for n in range(len(images)) if fields[n] is None)
        outstanding = deque()
        heard = time.monotonic()
        while left or outstanding:
            while left and len(outstanding) < self.identity.buffers:
                n, tries = left.popleft()
                tag = self._send(IMAGE, self.identity.pack(images[n]))
                outstanding.append((n, tag, tries + 1))
            frame = self._late.popleft() if self._late else self._receive(time.monotonic() + self.timeout)
            if frame is None:
                # Lost on its way, or still in work?
                if time.monotonic() - heard > 30 * self.timeout:
                    raise self._silent(heard)
                self._decoder.clear()
                if self._hello().pending == 0 and not self._late:
                    while outstanding:
                        self._retry(left, outstanding.popleft(), "no answer")
                continue
            heard = time.monotonic()
            found = next((o for o in outstanding if o[1] == frame.tag), None)
            if found is None:
                continue
            if frame.kind == RESULT:
                outstanding.remove(found)
                try:
                    fields[found[0]] = self.identity.unpack(frame.payload)
                except ValueError as e:
                    raise ProtocolError(f"{self.port}: {e}") from e
                if each is not None:
                    each(found[0], fields[found[0]])
            elif frame.kind == ERROR:
                outstanding.remove(found)
                self._retry(left, found, reason(frame.payload))

    @staticmethod
    def _retry(left: deque, image: tuple, why: str) -> None:
        n, _, tries = image
        if tries >= TRIES:
            raise RefusedError(f"image {n} was refused {tries} times, at last for {why}; is the line noisy?")
        left.append((n, tries))

    def _results(self, fields: list) -> Results:
        column = lambda name, dtype: np.array([f[name] for f in fields], dtype=dtype)
        there = lambda name: bool(fields) and fields[0][name] is not None
        klass, passes = column("class", np.int64), column("passes", np.int64)
        votes, total = column("votes", np.int64), column("sum", np.int64)
        each_pass = np.maximum(passes, 1)[:, None]
        won = votes[np.arange(len(klass)), klass] if len(klass) else np.zeros(0, dtype=np.int64)
        found = Results(
            klass=klass,
            passes=passes,
            sum=total,
            sumsq=column("sumsq", np.uint64),
            votes=votes,
            mean_logits=total / (each_pass * 2.0**self.identity.frac_bits) if len(klass) else np.zeros((0, self.identity.classes)),
            agreement=won / np.maximum(passes, 1),
            uncertain=2 * won < passes,
        )
        octaves = each_pass[:, 0] * 4096.0
        if there("probability"):
            found.probability = column("probability", np.float64) / (each_pass * 2.0**self.identity.probability_bits)
        if there("squares"):
            mean = column("squares", np.float64) / (each_pass * 2.0**32)
            found.probability_variance = np.maximum(mean - found.probability**2, 0.0)
        if there("entropy"):
            found.entropy = column("entropy", np.float64) * LN_2 / octaves
        if there("information"):
            # One pass cannot disagree with itself.
            found.mutual_information = np.where(passes > 1, column("information", np.float64) * LN_2 / octaves, 0.0)
        if there("flag"):
            found.flag = column("flag", bool)
            found.uncertain = found.flag
        return found

    # Frames.

    def _hello(self) -> Identity:
        try:
            return Identity.parse(self._ask(HELLO, b"").payload)
        except ValueError as e:
            raise ProtocolError(f"{self.port}: {e}") from e

    def _value(self, kind: int, payload: bytes) -> int:
        answer = self._ask(kind, payload)
        if len(answer.payload) != 4:
            raise ProtocolError(f"{self.port}: a value of {len(answer.payload)} bytes")
        return int.from_bytes(answer.payload, "little")

    def _ask(self, kind: int, payload: bytes) -> Frame:
        """Sends a request and waits for its answer; asks again a few times."""
        started = time.monotonic()
        while time.monotonic() - started < self.timeout:
            tag = self._send(kind, payload)
            deadline = time.monotonic() + max(self.timeout / TRIES, PAUSE)
            while True:
                frame = self._receive(deadline)
                if frame is None:
                    break
                if frame.kind == RESULT:
                    self._late.append(frame)
                elif frame.tag == tag and frame.kind == kind | ANSWER:
                    return frame
                elif frame.tag == tag and frame.kind == ERROR:
                    # Damaged on its way: once more.
                    if frame.payload[:1] in (b"\x01", b"\x05"):
                        break
                    raise ProtocolError(f"{self.port}: the request was refused: {reason(frame.payload)}")
            self._decoder.clear()
        raise self._silent(started)

    def _silent(self, since: float) -> SilentError:
        return SilentError(
            f"{self.port}: no answer in {time.monotonic() - since:.1f} s; is it the right port, the right rate "
            f"({self.baud} baud), the board loaded with a design that has a serial port?"
        )

    def _send(self, kind: int, payload: bytes) -> int:
        if self._link is None:
            raise LostError(f"{self.port}: closed")
        self._tag = (self._tag + 1) & 0xFF
        self._link.write(bytes(Frame(kind, self._tag, payload)))
        return self._tag

    def _receive(self, deadline: float) -> Optional[Frame]:
        while True:
            frame = self._decoder.next()
            if frame is not None:
                if frame.kind == ERROR and frame.payload[:1] == b"\x06":
                    raise TakenError(f"{self.port}: in use: {frame.payload[2:].decode('ascii', 'replace')}")
                return frame
            if time.monotonic() >= deadline:
                return None
            self._decoder.push(self._link.read())
