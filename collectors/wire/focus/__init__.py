"""FOCUS bills: bytes in, columns of charges out."""

from collectors.wire.focus.bill import decode_focus, plain_bytes
from collectors.wire.focus.errors import FocusRefused, RowError

__all__ = ["FocusRefused", "RowError", "decode_focus", "plain_bytes"]
