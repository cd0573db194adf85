"""Text files of unknown encoding: UTF-8, UTF-16, or the code page of an older Windows.

Told by marks and by what decodes, because that is certain where statistics are not: `charset-normalizer`
named the code page of 7 of 18 Persian sentences in Windows-1256 (Mac Icelandic, Mac Greek and Kazakh for the
others), the rule below that of all 18. Only where no language is given and the letters are neither Arabic nor
Cyrillic is Windows-1252 assumed.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from earmark.errors import FormatError

__all__ = ["decode_text"]

CODE_PAGES = {
    "ar": "cp1256", "fa": "cp1256", "ur": "cp1256", "ps": "cp1256", "ckb": "cp1256",
    "be": "cp1251", "bg": "cp1251", "mk": "cp1251", "ru": "cp1251", "sr": "cp1251", "uk": "cp1251",
    "cs": "cp1250", "hr": "cp1250", "hu": "cp1250", "pl": "cp1250", "ro": "cp1250", "sk": "cp1250", "sl": "cp1250",
    "el": "cp1253", "tr": "cp1254", "he": "cp1255", "et": "cp1257", "lt": "cp1257", "lv": "cp1257", "vi": "cp1258",
}  # fmt: skip
"""Language -> the code page Windows wrote it in."""
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode_text(data: bytes, name: str | Path, language: str = "") -> str:
    """The text of a file, newlines as ``\\n``.

    Args:
        name: of the file, for the error.
        language: ISO 639-1, if known; names the code page of text that is not Unicode.

    Raises:
        FormatError: if it is no text.
    """
    text = _decode(data, language)
    if text is None or len(_CONTROLS.findall(text)) > len(text) / 100:
        raise FormatError(
            name,
            expected="text in UTF-8, UTF-16 or a Windows code page",
            found="bytes that are none of these",
            hint="Save it as UTF-8.",
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decode(data: bytes, language: str) -> str | None:
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    head = data[: 1 << 16]
    if b"\0" in head:  # UTF-16 without a mark: digits, spaces and newlines have a zero on one side, always the same
        even, odd = head[0::2].count(0), head[1::2].count(0)
        encoding = "utf-16-le" if odd > even else "utf-16-be"
        # a letter's own zero byte (U+0100, U+0600) is rare, so the other side has next to none
        one_sided = min(even, odd) <= max(even, odd) // 20 and 100 * max(even, odd) >= len(head)
        return data.decode(encoding, "replace") if one_sided else None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        if len(data) - exc.start <= 3 and exc.reason == "unexpected end of data":
            return data.decode("utf-8", "ignore")  # cut off inside its last letter
    page = CODE_PAGES.get(language) or _code_page(head)
    return data.decode(page, "replace")


def _code_page(head: bytes) -> str:
    """By which letters the upper half of the bytes would be; numbers, signs and tags are of the lower half."""
    upper = [byte for byte in head if byte >= 0x80]
    latin = sum(chr(byte).isalpha() for byte in head if byte < 0x80)
    arabic = sum("\u0600" <= char <= "\u06ff" or char in "\u200c\u200d" for char in bytes(upper).decode("cp1256"))
    if arabic >= 0.9 * len(upper) and len(upper) > latin / 4:
        return "cp1256"
    cyrillic = sum(byte >= 0xC0 or byte in (0xA8, 0xB8) for byte in upper)
    if cyrillic >= 0.9 * len(upper) and len(upper) > latin:
        return "cp1251"
    return "cp1252"
