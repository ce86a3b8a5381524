"""FOCUS bills: bytes in, columns of charges out."""

from collectors.wire.focus.bill import BillReader, decode_focus
from collectors.wire.focus.errors import FocusRefused, RowError
from collectors.wire.focus.plain_file import digest

__all__ = ["BillReader", "FocusRefused", "RowError", "decode_focus", "digest"]
