#!/usr/bin/env python3
"""Make http_page_text.c of http_page.html: its bytes, and which script and style may run in it.

    http_page.py http_page.html OUTPUT

The page is cut in two where its numbers come. Its one script and its one style are named by their
hashes in the Content-Security-Policy, so that nothing else in it is ever executed.
"""
import base64
import hashlib
import re
import sys

NUMBERS = b"<!-- numbers -->"


def source_of(page, tag):
    """How a policy names the contents of the one element TAG."""
    (text,) = re.findall(b"<%s>(.*?)</%s>" % (tag, tag), page, re.DOTALL)
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text).digest()).decode()


def array_of(name, data):
    lines = [", ".join(str(byte) for byte in data[i : i + 24]) for i in range(0, len(data), 24)]
    return "const char %s_text[] = {\n    %s};\nconst size_t %s_bytes = sizeof(%s_text);\n" % (
        name, ",\n    ".join(lines), name, name)


def main():
    page = open(sys.argv[1], "rb").read()
    if not page.isascii():
        sys.exit("http_page.html: only ASCII, so that every byte is a char")
    begin, end = page.split(NUMBERS)
    policy = "; script-src %s; style-src %s; connect-src 'self'; img-src data:" % (
        source_of(page, b"script"),
        source_of(page, b"style"),
    )
    with open(sys.argv[2], "w", encoding="ascii") as out:
        out.write('/* The status page: made by http_page.py of http_page.html. */\n')
        out.write('#include "http_page_text.h"\n\n')
        out.write(array_of("http_page_begin", begin))
        out.write(array_of("http_page_end", end))
        out.write('const char http_page_policy[] = "%s";\n' % policy)


main()
