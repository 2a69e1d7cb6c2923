"""Web PubSub: who may call us, how clients get to it, and what `@connections` becomes there.

Source: Azure Web PubSub documentation, "CloudEvents extension", "Data plane REST API" (2024-01-01).
"""
import base64
import hashlib
import hmac
import time
import urllib.error
import urllib.parse
import urllib.request

from .text import dumps

VERSION = "2024-01-01"
# A client may connect with a token for this long, in seconds.
CLIENT_TOKEN_S = 3600
SERVICE_TOKEN_S = 300
# So long an answer of Web PubSub is waited for, in seconds.
PATIENCE = 30


class Settings:
    def __init__(self, environment):
        parts = {}
        for part in environment.get("SEMANTEST_WEB_PUBSUB_CONNECTION_STRING", "").split(";"):
            name, _, value = part.partition("=")
            parts[name.strip().lower()] = value.strip()
        self.endpoint = parts.get("endpoint", "").rstrip("/")
        if self.endpoint and parts.get("port"):
            self.endpoint += ":" + parts["port"]
        self.key = parts.get("accesskey", "")
        self.hub = environment.get("SEMANTEST_WEB_PUBSUB_HUB", "semantest")


def credentials(environment):
    """What functions sign calls of `@connections` with, where their user gives them nothing else."""
    key = Settings(environment).key
    secret = digest(key, "semantest @connections").hex() if key else "azure"
    return {"AWS_ACCESS_KEY_ID": "semantest", "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "semantest"}


def digest(key, text):
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()


def is_signed(signature, connection_id, key):
    """Whether Web PubSub has signed an event of this connection, with the key that we know or the other one."""
    if not key or not connection_id:
        return False
    wanted = "sha256=" + digest(key, connection_id).hex()
    given = [one.strip().lower() for one in (signature or "").split(",")]
    return any(hmac.compare_digest(one.encode(), wanted.encode()) for one in given)


def token(audience, key, seconds):
    now = int(time.time())

    def encode(data):
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    parts = ({"alg": "HS256", "typ": "JWT"}, {"aud": audience, "iat": now, "exp": now + seconds})
    text = ".".join(encode(dumps(part).encode()) for part in parts)
    return "%s.%s" % (text, encode(digest(key, text)))


def negotiate(web):
    """Where a client connects, and with which token."""
    audience = "%s/client/hubs/%s" % (web.endpoint, web.hub)
    access_token = token(audience, web.key, CLIENT_TOKEN_S)
    base = "ws" + audience.removeprefix("http")
    return {"url": "%s?access_token=%s" % (base, access_token), "baseUrl": base, "accessToken": access_token}


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token is for Web PubSub alone."""

    def redirect_request(self, *_):
        return None


class Connections:
    """Calls about one connection."""

    def __init__(self, web):
        self.web = web
        self.opener = urllib.request.build_opener(NoRedirects)

    def call(self, method, connection_id, tail="", query="", body=None, kind=None):
        parts = [urllib.parse.quote(part, safe="") for part in (self.web.hub, connection_id)]
        url = "%s/api/hubs/%s/connections/%s%s" % (self.web.endpoint, *parts, tail)
        headers = {"Authorization": "Bearer " + token(url, self.web.key, SERVICE_TOKEN_S)}
        if kind:
            headers["Content-Type"] = kind
        address = "%s?api-version=%s%s" % (url, VERSION, query)
        request = urllib.request.Request(address, data=body, headers=headers, method=method)
        try:
            with self.opener.open(request, timeout=PATIENCE):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404:
                return False
            text = "Web PubSub has answered %s of a connection with status %d" % (method, error.code)
            raise RuntimeError(text) from None

    def exists(self, connection_id):
        return self.call("HEAD", connection_id)

    def send(self, connection_id, body, text):
        """Whether it was there to send to."""
        kind = "text/plain" if text else "application/octet-stream"
        return self.exists(connection_id) and self.call("POST", connection_id, "/:send", "", body, kind)

    def close(self, connection_id):
        if not self.exists(connection_id):
            return False
        self.call("DELETE", connection_id, query="&reason=Connection%20Closed%20Normally")
        return True
