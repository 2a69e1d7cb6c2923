"""Small things of HTTP: percent signs, dates, ids, requests and answers."""
import base64
import collections
import json as _json
import os
import time
import urllib.parse

# path percent-encoded, headers a list of (lower-case name, value), body bytes; peer and secure as far as they are known.
Request = collections.namedtuple("Request", "method path query headers body peer secure", defaults=(None, None))
Response = collections.namedtuple("Response", "status headers body")

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def decode(text):
    """Percent-decoded; what is no UTF-8 is replaced, what is no percent code stays."""
    return urllib.parse.unquote(text, errors="replace")


def parameters(query):
    """(name, value) of each parameter, decoded."""
    found = []
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        found.append((decode(name.replace("+", " ")), decode(value.replace("+", " "))))
    return found


def ordered(values):
    """A dictionary whose keys stand in the order of their bytes."""
    return dict(sorted(values.items()))


def gateway_id():
    """Id of a request, a message or a connection, in the alphabet of URLs."""
    return base64.urlsafe_b64encode(os.urandom(11)).decode()


def trace_id():
    digits = os.urandom(16).hex()
    return "Root=1-%s-%s" % (digits[:8], digits[8:])


def now_ms():
    return time.time_ns() // 1_000_000


def common_log_time(milliseconds):
    """`24/Nov/2026:09:14:09 +0000`."""
    at = time.gmtime(milliseconds // 1000)
    return "%02d/%s/%d:%02d:%02d:%02d +0000" % (at[2], MONTHS[at[1] - 1], at[0], at[3], at[4], at[5])


def header(request, name):
    """The first value of a header; names are in lower case."""
    return next((value for key, value in request.headers if key == name), None)


def dumps(value):
    return _json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json(status, body, headers=()):
    text = body if isinstance(body, str) else dumps(body)
    return Response(status, [("content-type", "application/json"), *headers], text.encode("utf-8", "surrogatepass"))


def empty(status, headers=()):
    return Response(status, list(headers), b"")
