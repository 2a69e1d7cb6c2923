"""What stands in front of the functions: an HTTP API, or a WebSocket API over Web PubSub, as API Gateway does it."""
import json as _json
import logging
import os

from .cors import with_cors
from .http_event import http_event
from .http_response import http_response, internal_error
from .platform import received
from .pool import Runtime
from .routes import best
from .text import dumps, header, json
from .web_pubsub import credentials
from .websocket_api import WebsocketApi
from .worker import MAX_PAYLOAD

# Largest request body, in bytes (API Gateway quotas).
BODY_LIMIT = 10 * 1024 * 1024
# The gateway answers by then; the function goes on (API Gateway quotas: integration timeout).
INTEGRATION_S = 30
ACCOUNT = "000000000000"


def unavailable():
    return json(503, {"message": "Service Unavailable"})


def not_found():
    return json(404, {"message": "Not Found"})


def too_large():
    return json(413, {"message": "Request Entity Too Large"})


class Gateway:
    def __init__(self, definition, environment=os.environ):
        self.definition = definition
        self.environment = environment
        self.runtime = Runtime(definition, environment, credentials(environment))
        self.api = {**definition, "account_id": ACCOUNT, "api_id": environment.get("WEBSITE_SITE_NAME", "local")}
        self.websocket = None
        if definition["protocol"] == "websocket":
            self.websocket = WebsocketApi(self.api, self.runtime, environment)

    def answer(self, raw):
        """Whatever comes in."""
        try:
            request = received(raw, self.environment)
            if self.websocket:
                return self.websocket.answer(request)
            return with_cors(self.definition.get("cors"), request, self.http(request))
        except Exception:
            logging.getLogger("semantest").exception("[ERROR] semantest")
            return internal_error()

    def is_managing(self, request):
        """Whether it is a call of `@connections`."""
        return self.websocket is not None and self.websocket.managed(request) is not None

    def http(self, request):
        matched = best(self.definition["routes"], request.method, request.path)
        if not matched:
            return not_found()
        if len(request.body) > BODY_LIMIT:
            return too_large()
        route, parameters = matched
        event = http_event(self.api, request, route, parameters)
        if len(dumps(event).encode("utf-8", "surrogatepass")) > MAX_PAYLOAD:
            return too_large()
        role = route["function"]
        job = self.runtime.invoke(role, event, header(request, "x-amzn-trace-id"), INTEGRATION_S)
        if job is None:
            return unavailable()
        # What went wrong stands in the function's log, never in the answer.
        if job.error_type:
            return internal_error()
        try:
            return http_response(job.payload)
        except ValueError as wrong:
            self.runtime.log(role, job, "[ERROR] %s" % wrong)
            return internal_error()

    def invoke(self, role, raw):
        """A direct call, of those who have the function's key: the host has looked at it."""
        if role not in self.runtime.pools:
            return not_found()
        if len(raw.body) > MAX_PAYLOAD:
            return too_large()
        try:
            event = _json.loads(raw.body or b"{}")
        except (ValueError, RecursionError) as error:
            return json(400, {"message": "Could not parse request body into json: %s" % error})
        job = self.runtime.invoke(role, event)
        headers = [("x-semantest-request-id", job.request_id), ("x-semantest-duration-ms", str(job.duration))]
        if job.error_type:
            plain = job.error_type.encode("ascii", "replace").decode()
            headers.append(("x-semantest-function-error", plain))
        return json(200, "", headers)._replace(body=job.payload)
