"""What can go wrong between a host and a board."""


class BoardError(Exception):
    """Any of the errors below."""


class PortError(BoardError):
    """The port cannot be opened."""


class TakenError(BoardError):
    """Another client has the line."""


class LostError(BoardError):
    """The connection broke: unplugged, switched off, closed."""


class SilentError(BoardError):
    """No answer within the time-out."""


class RefusedError(BoardError):
    """The board refused a request again and again."""


class ProtocolError(BoardError):
    """An answer that makes no sense."""
