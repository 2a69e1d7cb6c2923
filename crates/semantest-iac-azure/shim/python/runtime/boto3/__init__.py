"""AWS's runtimes bring AWS's clients, and handlers count on the one that sends to WebSocket connections. This is as much of
it as that takes; a package that brings boto3 itself gets its own."""
import datetime
import hashlib
import hmac
import json
import os
import urllib.error
import urllib.parse
import urllib.request

from botocore.exceptions import ClientError

# So long an answer is waited for, in seconds.
PATIENCE = 60


def client(service_name, region_name=None, endpoint_url=None, **more):
    if service_name != "apigatewaymanagementapi":
        text = "this app has no client for `%s`: put boto3 into your package (pip install --target)" % service_name
        raise NotImplementedError(text)
    if not endpoint_url:
        raise ValueError("the client needs an `endpoint_url`: https://{domainName}/{stage}")
    return Connections(endpoint_url, region_name or os.environ["AWS_REGION"], more)


class Session:
    def client(self, service_name, **more):
        return client(service_name, **more)


session = type("session", (), {"Session": Session})


class Exceptions:
    ClientError = ClientError
    GoneException = type("GoneException", (ClientError,), {})
    ForbiddenException = type("ForbiddenException", (ClientError,), {})
    PayloadTooLargeException = type("PayloadTooLargeException", (ClientError,), {})
    LimitExceededException = type("LimitExceededException", (ClientError,), {})


class Connections:
    exceptions = Exceptions

    def __init__(self, endpoint, region, given):
        self.endpoint, self.region = endpoint.rstrip("/"), region
        self.key_id = given.get("aws_access_key_id") or os.environ["AWS_ACCESS_KEY_ID"]
        self.secret = given.get("aws_secret_access_key") or os.environ["AWS_SECRET_ACCESS_KEY"]
        own = None if given.get("aws_access_key_id") else os.environ.get("AWS_SESSION_TOKEN")
        self.session_token = given.get("aws_session_token") or own

    def post_to_connection(self, *, ConnectionId, Data):
        return self.call("PostToConnection", "POST", ConnectionId, data(Data))

    def get_connection(self, *, ConnectionId):
        return self.call("GetConnection", "GET", ConnectionId, b"")

    def delete_connection(self, *, ConnectionId):
        return self.call("DeleteConnection", "DELETE", ConnectionId, b"")

    def call(self, operation, method, connection_id, body):
        url = "%s/@connections/%s" % (self.endpoint, encode(connection_id))
        request = urllib.request.Request(url, data=body if method == "POST" else None, method=method)
        for name, value in self.signed(method, urllib.parse.urlsplit(url), body).items():
            request.add_header(name, value)
        request.add_header("Content-Type", "application/octet-stream")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                told = read(answer.read())
                status = answer.status
        except urllib.error.HTTPError as error:
            raise failure(error, operation) from None
        described = {}
        identity = told.get("identity")
        if identity:
            described["Identity"] = {"SourceIp": identity.get("sourceIp"), "UserAgent": identity.get("userAgent")}
        for name, key in (("ConnectedAt", "connectedAt"), ("LastActiveAt", "lastActiveAt")):
            if told.get(key):
                described[name] = datetime.datetime.fromisoformat(told[key].replace("Z", "+00:00"))
        return {"ResponseMetadata": {"HTTPStatusCode": status}, **described}

    def signed(self, method, url, body):
        """Signature Version 4."""
        date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        headers = {"host": url.netloc, "x-amz-date": date}
        if self.session_token:
            headers["x-amz-security-token"] = self.session_token
        names = ";".join(sorted(headers))
        path = "/".join(encode(part) for part in url.path.split("/"))
        told = ["%s:%s" % pair for pair in sorted(headers.items())]
        canonical = "\n".join([method, path, "", *told, "", names, hashlib.sha256(body).hexdigest()])
        scope = [date[:8], self.region, "execute-api", "aws4_request"]
        key = ("AWS4" + self.secret).encode()
        for part in scope:
            key = sign(key, part)
        scope = "/".join(scope)
        text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        parts = (self.key_id, scope, names, sign(key, text).hex())
        headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % parts
        return headers


def encode(text):
    return urllib.parse.quote(text, safe="-_.~")


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def data(value):
    if hasattr(value, "read"):
        value = value.read()
    return value.encode() if isinstance(value, str) else bytes(value)


def read(body):
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {}


def failure(error, operation):
    code = (error.headers.get("x-amzn-errortype") or str(error.code)).split(":")[0]
    message = read(error.read()).get("message", "")
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": error.code}}
    return getattr(Exceptions, code, ClientError)(response, operation)
