"""Whether a call of `@connections` is from one of this app's functions: AWS's clients sign it (Signature Version 4)."""
import calendar
import hashlib
import hmac
import re
import time
import urllib.parse

from .text import parameters

PATTERN = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^/,]+)/(\d{8})/([^/,]+)/([^/,]+)/aws4_request, *SignedHeaders=([^,]+), *"
    r"Signature=([0-9a-f]{64})"
)
# A signature is good for this long, in seconds.
LIFE = 15 * 60


def encode(text):
    return urllib.parse.quote(text, safe="-_.~")


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def is_signed_by(request, secrets, now=None):
    """`secrets`: access key id to secret."""

    def values(name):
        return [re.sub(" +", " ", value.strip()) for key, value in request.headers if key == name]

    found = PATTERN.fullmatch((values("authorization") or [""])[0])
    secret = secrets.get(found.group(1)) if found else None
    date = (values("x-amz-date") or [""])[0]
    if not secret or not re.fullmatch(r"\d{8}T\d{6}Z", date) or not date.startswith(found.group(2)):
        return False
    try:
        at = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return False
    if abs((time.time() if now is None else now) - at) > LIFE:
        return False
    _, day, region, service, names, signature = found.groups()
    signed = names.split(";")
    if "host" not in signed:
        return False
    canonical = "\n".join([
        request.method,
        "/".join(encode(part) for part in request.path.split("/")),
        "&".join(sorted("%s=%s" % (encode(name), encode(value)) for name, value in parameters(request.query))),
        *("%s:%s" % (name, ",".join(values(name))) for name in signed),
        "",
        names,
        hashlib.sha256(request.body).hexdigest(),
    ])
    key = sign(("AWS4" + secret).encode(), day)
    for part in (region, service, "aws4_request"):
        key = sign(key, part)
    scope = "%s/%s/%s/aws4_request" % (day, region, service)
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    return hmac.compare_digest(sign(key, text).hex(), signature)
