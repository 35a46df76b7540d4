"""A line to a board: a serial port (with pyserial) or a TCP socket."""

import socket

from .errors import LostError, PortError

TICK = 0.01
CONNECT = 2.0
WRITE = 5.0


def open_link(port: str, baud: int):
    if port.startswith("tcp://"):
        return Socket(port)
    return Serial(port, baud)


class Socket:
    def __init__(self, port: str) -> None:
        self.port = port
        host, _, number = port[len("tcp://") :].rpartition(":")
        if not host or not number.isdigit():
            raise PortError(f"{port}: an address is tcp://HOST:PORT")
        try:
            self.socket = socket.create_connection((host, int(number)), timeout=CONNECT)
        except ConnectionRefusedError as e:
            raise PortError(f"cannot open {port}: {e}; start the board first, with `neuspin serve`") from e
        except OSError as e:
            raise PortError(f"cannot open {port}: {e}") from e
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, data: bytes) -> None:
        try:
            self.socket.settimeout(WRITE)
            self.socket.sendall(data)
        except OSError as e:
            raise LostError(f"{self.port}: the connection is lost ({e})") from e

    def read(self) -> bytes:
        """What has come; nothing if nothing comes for a moment."""
        try:
            self.socket.settimeout(TICK)
            data = self.socket.recv(4096)
        except (socket.timeout, BlockingIOError):
            return b""
        except OSError as e:
            raise LostError(f"{self.port}: the connection is lost ({e})") from e
        if not data:
            raise LostError(f"{self.port}: the connection is lost (the other side has closed it)")
        return data

    def close(self) -> None:
        self.socket.close()


class Serial:
    def __init__(self, port: str, baud: int) -> None:
        try:
            import serial
        except ImportError as e:
            raise PortError(f"{port}: serial ports need pyserial: pip install pyserial") from e
        self.port, self.errors = port, (serial.SerialException, OSError)
        try:
            self.serial = serial.Serial(port, baud, timeout=TICK, write_timeout=WRITE, exclusive=True)
        except self.errors as e:
            raise PortError(f"cannot open {port}: {e}; is it plugged in, yours to open, and free?") from e

    def write(self, data: bytes) -> None:
        try:
            self.serial.write(data)
        except self.errors as e:
            raise LostError(f"{self.port}: the connection is lost ({e}); is the board still plugged in?") from e

    def read(self) -> bytes:
        try:
            return self.serial.read(max(1, min(self.serial.in_waiting, 4096)))
        except self.errors as e:
            raise LostError(f"{self.port}: the connection is lost ({e}); is the board still plugged in?") from e

    def close(self) -> None:
        self.serial.close()
