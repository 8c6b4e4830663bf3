"""Encodings of text files: found out, and said where it is not UTF-8."""

from __future__ import annotations

from spmforecast.errors import InputError, Problem

__all__ = ["decode"]

_UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_UTF_32 = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
_LOOKED_AT = 4096
_MEND = "Save the file as UTF-8 (in Excel: CSV UTF-8) and try again."


def decode(data: bytes, file: str, table: str) -> tuple[str, tuple[str, ...]]:
    """Decode the bytes of a text file.

    UTF-8 with or without a byte order mark, UTF-16 with one, else Windows-1252, as long as every byte is a character
    of it and the file is not plainly UTF-8 with some damage.

    Parameters
    ----------
    data : bytes
        The file.
    file, table : str
        For messages.

    Returns
    -------
    text : str
        What it says, without a byte order mark.
    notes : tuple of str
        The encoding, where it is not UTF-8.

    Raises
    ------
    InputError
        If it is none of these; guessing further would change names.
    """
    if data.startswith(_UTF_32):
        raise _refused("the text is UTF-32, which is not read", data, file, table)
    if data[:2] in _UTF_16:
        return _utf_16(data, file, table), (f"{file}: read as UTF-16, as its first bytes say",)
    if data[:_LOOKED_AT].count(0) > len(data[:_LOOKED_AT]) // 4:
        raise _refused("this is no text, or UTF-16 without a byte order mark", data, file, table)
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        place = error.start
    if b"\0" not in data and not _damaged_utf_8(data):
        try:
            return data.decode("cp1252"), (f"{file}: read as Windows-1252, because it is not UTF-8",)
        except UnicodeDecodeError as error:
            place = error.start
    raise _refused("the text is neither UTF-8 nor Windows-1252", data, file, table, place)


def _utf_16(data: bytes, file: str, table: str) -> str:
    try:
        return data[2:].decode(_UTF_16[data[:2]])
    except UnicodeDecodeError as error:
        told = "the text is damaged UTF-16"
        raise _refused(told, data, file, table, error.start + 2) from error


def _damaged_utf_8(data: bytes) -> bool:
    """Tell whether most characters beyond ASCII are sound UTF-8, so that the others are damage."""
    beyond = [character for character in data.decode("utf-8", "replace") if character > "\x7f"]
    broken = sum(character == "\ufffd" for character in beyond)
    return len(beyond) - broken > broken


def _refused(told: str, data: bytes, file: str, table: str, place: int = 0) -> InputError:
    line = data.count(b"\n", 0, place) + 1
    found = data[place : place + 4].hex(" ")
    return InputError(Problem(table, told, _MEND, file=file, line=line, value=f"bytes {found}"))
