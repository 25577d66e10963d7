"""The text of a body, whatever encoding its server writes."""

import codecs

PADDING = b" \t\r\n\0"
# The marks of UTF-32 come first: that of UTF-16 is the beginning of one of them.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"), (codecs.BOM_UTF8, "utf-8-sig"),
)  # fmt: skip


def plain(body: bytes) -> bytes:
    """The same text in UTF-8 without a byte order mark, and without white space and NULs around it.

    RFC 8259 forbids the mark and allows to ignore it; editors and proxies put it before valid JSON, XML and CSV.
    """
    if body[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        body = body.strip(PADDING)
    for mark, encoding in MARKS:
        if body.startswith(mark):
            return body.decode(encoding, "replace").encode().strip(PADDING)
    return body


def text_of(body: bytes) -> str:
    """The text of a body in UTF-8, or in the CP1250 that Polish servers write."""
    try:
        return plain(body).decode()
    except UnicodeDecodeError:
        return plain(body).decode("cp1250", "replace")
