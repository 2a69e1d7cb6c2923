"""A WebSocket API: Web PubSub holds the connections and asks us about each event (CloudEvents over HTTP)."""
import base64
import json as _json
import re
import urllib.parse

from . import websocket_event as events
from .http_event import stage_variables
from .http_response import read, status_code
from .signed_request import is_signed_by
from .text import Response, decode, dumps, empty, header, json, now_ms
from .web_pubsub import Connections, Settings, credentials, is_signed, negotiate

UPSTREAM = "/_semantest/web-pubsub"
# Largest message, in bytes (API Gateway quotas).
MESSAGE_LIMIT = 128 * 1024
# The gateway waits no longer for a function; the function goes on (API Gateway quotas: integration timeout).
INTEGRATION_S = 29
FAILED = (500, "Internal server error")
TIMED_OUT = (504, "Endpoint request timed out")


def forbidden(headers=()):
    return json(403, {"message": "Forbidden"}, headers)


def gone():
    return json(410, {"message": "Gone"}, [("x-amzn-errortype", "GoneException")])


class NoAnswer(Exception):
    """Why there is nothing that a function returned: status and message."""


class WebsocketApi:
    def __init__(self, api, runtime, environment):
        self.api, self.runtime, self.environment = api, runtime, environment
        self.web = Settings(environment)
        self.connections = Connections(self.web)

    def answer(self, request):
        path = request.path.rstrip("/")
        if path in (UPSTREAM, "/negotiate") and not (self.web.endpoint and self.web.key):
            return json(503, {"message": "Service Unavailable"})
        if path == UPSTREAM:
            return self.upstream(request)
        if path == "/negotiate" and request.method in ("GET", "POST"):
            return json(200, negotiate(self.web), [("cache-control", "no-store")])
        connection_id = self.managed(request)
        return self.manage(connection_id, request) if connection_id else forbidden()

    def managed(self, request):
        """The connection that a call of `@connections` is about."""
        inside = decode(request.path).lstrip("/").removeprefix(self.api["stage"] + "/")
        found = re.fullmatch("@connections/(.+)", inside)
        return found.group(1) if found else None

    def upstream(self, request):
        """One event, or the question whether we take any (abuse protection of CloudEvents' webhooks)."""
        if request.method == "OPTIONS":
            host = urllib.parse.urlsplit(self.web.endpoint).netloc
            asked = header(request, "webhook-request-origin")
            return empty(200, [("webhook-allowed-origin", host)]) if asked else empty(400)
        if request.method != "POST":
            return json(405, {"message": "Method Not Allowed"})
        connection_id = header(request, "ce-connectionid")
        if not is_signed(header(request, "ce-signature"), connection_id, self.web.key):
            return json(401, {"message": "Unauthorized"})
        if (header(request, "ce-hub") or "").lower() != self.web.hub.lower():
            return json(404, {"message": "Not Found"})
        kind = header(request, "ce-type") or ""
        if kind == "azure.webpubsub.sys.connect":
            return self.connect(connection_id, request)
        if kind == "azure.webpubsub.sys.disconnected":
            return self.disconnected(connection_id, request)
        if kind.startswith("azure.webpubsub.user."):
            return self.message(connection_id, request)
        return empty(204)

    def invoke(self, route, event):
        """The job and what the function of `route` returned."""
        event.update(stage_variables(self.api))
        job = self.runtime.invoke(route["function"], event, seconds=INTEGRATION_S)
        if job is None:
            raise NoAnswer(*TIMED_OUT)
        if job.error_type:
            raise NoAnswer(*FAILED)
        try:
            return job, read(job.payload)
        except ValueError:
            raise NoAnswer(*FAILED) from None

    def route(self, key):
        return next((route for route in self.api["routes"] if route["route_key"] == key), None)

    def connect(self, connection_id, request):
        """The handshake: `$connect` decides before the connection is made. What is known of the client is kept with
        the connection (its state), and comes back with every event."""
        told = parse(request.body)
        state = {"connectedAt": now_ms(), **client(told, request)}
        connection = {"id": connection_id, **state}
        chosen = None
        route = self.route("$connect")
        if route:
            context = events.context(self.api, connection, "$connect", "CONNECT")
            try:
                answer = self.invoke(route, events.connect(told, connection, context))
            except NoAnswer as none:
                return json(none.args[0], {"message": none.args[1]})
            refused, chosen = self.verdict(route, *answer)
            if refused:
                return refused
        kept = base64.b64encode(dumps(state).encode()).decode()
        # Web PubSub keeps no connection of nobody.
        accepted = {"userId": header(request, "ce-userid") or connection_id}
        if chosen:
            accepted["subprotocol"] = chosen
        return json(200, accepted, [("ce-connectionstate", kept)])

    def verdict(self, route, job, value):
        """Anything but a success refuses the connection."""
        value = value if isinstance(value, dict) else {}
        try:
            status = status_code(value["statusCode"]) if "statusCode" in value else 200
        except ValueError as wrong:
            self.runtime.log(route["function"], job, "[ERROR] %s" % wrong)
            return json(502, "{}"), None
        if status == 403:
            return forbidden(), None
        if status >= 300:
            return json(status, "{}"), None
        headers = value.get("headers")
        named = [text for name, text in (headers if isinstance(headers, dict) else {}).items()
                 if name.lower() == "sec-websocket-protocol" and isinstance(text, str)]
        return None, named[-1] if named else None

    def message(self, connection_id, request):
        connection = known(connection_id, request)
        route = events.route_of(self.api["routes"], request.body)
        key = route["route_key"] if route else "$default"
        context = events.context(self.api, connection, key, "MESSAGE")
        kind = header(request, "content-type") or ""
        binary = kind.startswith("application/octet-stream") or not is_text(request.body)
        trouble = None if route else "Forbidden"
        if route:
            try:
                # What the function returns goes nowhere: there is no route response.
                self.invoke(route, events.message(context, request.body, binary))
            except NoAnswer as none:
                trouble = none.args[1]
        # A status of failure would end the connection.
        if not trouble:
            return empty(204)
        text = dumps({"message": trouble, "connectionId": connection_id, "requestId": context["requestId"]})
        return Response(200, [("content-type", "text/plain")], text.encode())

    def disconnected(self, connection_id, request):
        route = self.route("$disconnect")
        if route:
            connection = known(connection_id, request)
            context = events.context(self.api, connection, "$disconnect", "DISCONNECT")
            # Web PubSub tells no status.
            reason = str(parse(request.body).get("reason") or "")
            event = events.disconnect(context, connection, 1006 if reason else 1005, reason)
            try:
                self.invoke(route, event)
            except NoAnswer:
                pass  # Nobody is left to be told how it went.
        return empty(204)

    def manage(self, connection_id, request):
        """`@connections/{id}`: POST sends, GET describes, DELETE closes."""
        own = credentials(self.environment)
        secrets = {own["AWS_ACCESS_KEY_ID"]: own["AWS_SECRET_ACCESS_KEY"] if self.web.key else None}
        if self.environment.get("AWS_ACCESS_KEY_ID"):
            secrets[self.environment["AWS_ACCESS_KEY_ID"]] = self.environment.get("AWS_SECRET_ACCESS_KEY")
        if not is_signed_by(request, secrets):
            return forbidden([("x-amzn-errortype", "ForbiddenException")])
        if request.method == "POST":
            if len(request.body) > MESSAGE_LIMIT:
                return json(413, {"message": "Message too long"}, [("x-amzn-errortype", "PayloadTooLargeException")])
            sent = self.connections.send(connection_id, request.body, is_text(request.body))
            return empty(200) if sent else gone()
        if request.method == "GET":
            # Web PubSub tells whether a connection is there, and no more.
            return json(200, "{}") if self.connections.exists(connection_id) else gone()
        if request.method == "DELETE":
            return empty(204) if self.connections.close(connection_id) else gone()
        return json(405, {"message": "Method Not Allowed"})


def is_text(body):
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def parse(body):
    try:
        told = _json.loads(body)
    except (ValueError, RecursionError):
        told = None
    return told if isinstance(told, dict) else {}


def client(told, request):
    values = {name.lower(): events.listed(value) for name, value in (told.get("headers") or {}).items()}

    def last(name):
        return (values.get(name) or [""])[-1]

    hop = last("x-forwarded-for").split(",")[-1].strip()
    return {"domainName": header(request, "host") or "", "sourceIp": hop, "userAgent": last("user-agent")}


def known(connection_id, request):
    """What was kept when the connection was made."""
    try:
        state = parse(base64.b64decode(header(request, "ce-connectionstate") or ""))
    except ValueError:
        state = {}
    return {
        "id": connection_id,
        "connectedAt": state.get("connectedAt", now_ms()),
        "domainName": state.get("domainName", header(request, "host") or ""),
        "sourceIp": state.get("sourceIp", ""),
        "userAgent": state.get("userAgent", ""),
    }
