"""Stands in for the Functions host in front of a package's Python app: routes requests as the host does, and hands them
over as the host's Python worker does. Requests and answers are Microsoft's own types, of `azure-functions`.

usage: python functions_host.py <folder of the package>; prints its port.
"""
import asyncio
import concurrent.futures
import http.server
import inspect
import logging
import os
import sys
import threading
import types
import urllib.parse
import uuid

folder = sys.argv[1]
sys.path.insert(0, folder)
os.chdir(folder)
logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")

import function_app  # noqa: E402
from azure.functions import meta  # noqa: E402
from azure.functions.http import HttpRequestConverter, HttpResponseConverter  # noqa: E402


def functions():
    """(trigger, function), in the host's order."""
    found = sorted(function_app.app.get_functions(), key=lambda function: function.get_function_name().lower())
    return [(function.get_trigger().get_dict_repr(), function.get_user_function()) for function in found]


FUNCTIONS = functions()


# As the host's Python worker has them: one loop for coroutines, and few threads for what else there is.
LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()
THREADS = concurrent.futures.ThreadPoolExecutor(32)
OF_THREAD = threading.local()


class OfInvocation(logging.Formatter):
    """The host knows by the thread whose a line is."""

    def format(self, record):
        message, invocation = record.getMessage(), getattr(OF_THREAD, "invocation_id", None)
        return '{"invocation": "%s", %s' % (invocation, message[1:]) if invocation and message[:1] == "{" else message


logging.getLogger().handlers[0].setFormatter(OfInvocation())


def call(function, request):
    context = types.SimpleNamespace(invocation_id=str(uuid.uuid4()), thread_local_storage=OF_THREAD)
    given = {"req": request}
    if "context" in inspect.signature(function).parameters:
        given["context"] = context
    if inspect.iscoroutinefunction(function):
        return asyncio.run_coroutine_threadsafe(function(**given), LOOP).result()

    def work():
        OF_THREAD.invocation_id = context.invocation_id
        return function(**given)

    return THREADS.submit(work).result()


def match(method, path):
    for trigger, function in FUNCTIONS:
        methods = [one.value for one in trigger["methods"]]
        plain = "/" + trigger["route"].lower()
        if method in methods and (trigger["route"] == "{*path}" or path.rstrip("/").lower() == plain):
            return function
    return None


def datum(value):
    return meta.Datum(value, "bytes" if isinstance(value, bytes) else "string")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {}
        for name, value in self.headers.items():
            key, value = name.lower(), value.encode("latin-1").decode("utf-8", "replace")
            glue = "; " if key == "cookie" else ","
            headers[key] = headers[key] + glue + value if key in headers else value
        function = match(self.command, urllib.parse.unquote(self.path.split("?")[0]))
        if function is None:
            return self.send(404, [], b"")
        given = {
            "method": datum(self.command),
            "url": datum("http://%s%s" % (headers["host"], self.path)),
            "headers": {name: datum(value) for name, value in headers.items()},
            "query": {},
            "params": {},
            "body": datum(body),
        }
        request = HttpRequestConverter.decode(meta.Datum(given, "http"), trigger_metadata=None)
        response = call(function, request)
        # The worker takes cookies apart for the host; what is told here is what the function said.
        cookies = response.headers.get_all("Set-Cookie")
        encoded = HttpResponseConverter.encode(response, expected_type=None).value
        pairs = [(name, value.value) for name, value in encoded["headers"].items()]
        pairs += [("Set-Cookie", cookie) for cookie in cookies]
        return self.send(int(encoded["status_code"].value), pairs, encoded["body"].value)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def send(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value.encode("utf-8").decode("latin-1"))
        if status not in (204, 304):
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def log_message(self, format, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
