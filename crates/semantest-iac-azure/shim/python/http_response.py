"""What a function answers, as an HTTP response."""
import base64
import binascii
import json as _json
import re

from .text import Response, dumps, json

# Headers that belong to the connection, not to the answer.
NOT_THE_FUNCTIONS = ("content-length", "connection", "transfer-encoding", "keep-alive")
NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
NOT_IN_VALUES = re.compile("[\0-\x08\x0a-\x1f\x7f]")


def internal_error():
    return json(500, {"message": "Internal Server Error"})


def http_response(payload):
    """The response for what a handler returned.

    Raises `ValueError` that says what is wrong with it, in words for the function's log.
    """
    try:
        value = read(payload)
    except ValueError as error:
        raise ValueError("the response is not JSON: %s" % error) from None
    if isinstance(value, dict) and "statusCode" in value:
        return explicit(value)
    # Anything else is the body of a success.
    return json(200, value if isinstance(value, str) else payload.decode("utf-8"))


def read(payload):
    """Strictly: Python's module takes NaN and the like too."""

    def refuse(constant):
        raise ValueError("`%s` is no JSON" % constant)

    return _json.loads(payload.decode("utf-8"), parse_constant=refuse)


def explicit(value):
    status = status_code(value["statusCode"])
    body = body_of(value)
    headers = {}
    if isinstance(value.get("headers"), dict):
        for name, text in value["headers"].items():
            if name.lower() in NOT_THE_FUNCTIONS:
                continue
            if not NAME.fullmatch(name):
                raise ValueError("%s cannot be the name of a header" % dumps(name))
            headers[name.lower()] = header_value(name, text)
    found = list(headers.items())
    if isinstance(value.get("cookies"), list):
        found += [("set-cookie", header_value("set-cookie", cookie)) for cookie in value["cookies"]]
    if "content-type" not in headers and status not in (204, 304):
        found.append(("content-type", "text/plain;charset=UTF-8"))
    return Response(status, found, body)


def status_code(value):
    """A final status: one below 200 announces another answer, and none would come."""
    number = value
    if isinstance(value, str):
        number = int(value) if re.fullmatch(r"\s*\+?[0-9]{1,9}\s*", value) else None
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or not 200 <= number <= 999:
        raise ValueError("the response's statusCode is %s: it must be a number from 200 to 999" % dumps(value))
    return number


def body_of(value):
    body = value.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        return dumps(body).encode("utf-8", "surrogatepass")
    if value.get("isBase64Encoded") is not True:
        return body.encode("utf-8", "surrogatepass")
    bare = re.sub("={0,2}$", "", body)
    try:
        decoded = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        decoded = None
    # Bits beyond the last byte must be 0: what is decoded is what was encoded.
    if decoded is None or base64.b64encode(decoded).decode().rstrip("=") != bare:
        raise ValueError("the response's body is not Base64")
    return decoded


def header_value(name, value):
    text = value if isinstance(value, str) else "" if value is None else dumps(value)
    if NOT_IN_VALUES.search(text):
        raise ValueError("the value of header `%s` holds what a header cannot: %s" % (name, dumps(text)))
    return text
