"""Runs handlers under runtime clients and tells what each client sends to the Lambda Runtime API and prints.

Standard input: {"folder", "handler", "clients": {name: {"command", "environment"}}, "events": [{"name", "event", "headers", "streams"}]}.
Standard output: {client: {event name: {"sent": [{"to", "type", "body"}], "printed", "ended"}}}. Every client is given the
same events with the same ids, in one process as long as that lives. It shares no code with the product.
"""
import base64
import http.client
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LIMIT_S = 60
# AWS's client sends whole tracebacks in a header.
http.client._MAXLINE = 1 << 24
BASE = "/2018-06-01/runtime/"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# How deep it went depends on how deep the client stands.
DEPTH = re.compile(r"repeated \d+ more times")
# A frame of a traceback that Python prints, with its line and the marks under it.
FRAME = re.compile(r'''  File "([^"]+)", line .*\n(?:    .*\n)*''')
# Node names a handler by what it is called on, which is the client's own.
CALLED_ON = re.compile(r"    at \w+\.handler \(")
# A frame of a stack of Node's: in a list of JSON, or as a line.
NODE_FRAME = re.compile(r''',"    at [^"\n]*"|\n    at [^"\n]*''')


def comparable(text, folder):
    """Without times and frames of the client itself, and unfolded: AWS's clients fold lines, which the host undoes."""
    text = TIME.sub("TIME", text.replace("\r", "\n").replace("\u00a0", " "))
    text = FRAME.sub(lambda frame: frame[0] if frame[1].startswith(folder) else "", text)
    text = NODE_FRAME.sub(lambda frame: frame[0] if folder in frame[0] else "", text)
    text = CALLED_ON.sub("    at handler (", text)
    return DEPTH.sub("repeated N more times", text)


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.put(None)
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        headers = {
            "content-type": "application/json",
            "lambda-runtime-aws-request-id": event["id"],
            "lambda-runtime-deadline-ms": str(int(time.time() * 1000) + 600_000),
            "lambda-runtime-invoked-function-arn": "arn:aws:lambda:us-east-1:000000000000:function:oracle",
            "lambda-runtime-trace-id": "Root=1-00000000-000000000000000000000000",
            **event.get("headers", {}),
        }
        self.answer(200, headers, event["event"].encode())

    def do_POST(self):
        body, trailers = self.body()
        to = self.path.removeprefix(BASE).split("/")
        sent = {
            "to": "/".join(part for part in to if "-" not in part),
            "type": self.headers.get("content-type"),
            "body": comparable(body.decode("utf-8", "backslashreplace"), self.server.folder),
        }
        mode = self.headers.get("lambda-runtime-function-response-mode")
        if mode is not None:
            announced = sorted(name.strip().lower() for name in ",".join(self.headers.get_all("trailer") or []).split(","))
            sent |= {"mode": mode, "announced": announced, "trailers": self.told(trailers)}
        self.server.sent.append(sent)
        self.answer(202, {}, b"")

    def body(self):
        """The whole body, and its trailers: a response that is written in parts comes in chunks."""
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", "0"))), {}
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        trailers = {}
        while line := self.rfile.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            trailers[name.lower()] = value.strip()
        return body, trailers

    def told(self, trailers):
        error = "lambda-runtime-function-error-body"
        if error in trailers:
            text = base64.b64decode(trailers[error]).decode("utf-8", "backslashreplace")
            trailers[error] = comparable(text, self.server.folder)
        return trailers

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Client:
    """One client's process, started anew when it has ended."""

    def __init__(self, folder, handler, how):
        self.folder, self.handler, self.how = folder, handler, how
        self.process = None

    def start(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
        self.server.folder, self.server.events, self.server.asked, self.server.sent = self.folder, queue.Queue(), queue.Queue(), []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:%d" % self.server.server_port,
            "AWS_LAMBDA_FUNCTION_NAME": "oracle",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/oracle",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_REGION": "us-east-1",
            "LAMBDA_TASK_ROOT": self.folder,
            "_HANDLER": self.handler,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            **self.how.get("environment", {}),
        }
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.how["command"], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=self.output, stderr=subprocess.STDOUT,
        )
        self.waits()

    def waits(self):
        """Until it asks for an event, or has ended: then its exit code."""
        for _ in range(LIMIT_S * 50):
            try:
                self.server.asked.get(timeout=0.02)
                return None
            except queue.Empty:
                if self.process.poll() is not None:
                    return self.process.returncode
        self.process.kill()
        return "neither answers nor ends"

    def run(self, event):
        if self.process is None or self.process.poll() is not None:
            self.start()
        before = self.output.seek(0, os.SEEK_END) if self.process.poll() is None else 0
        first = len(self.server.sent) if self.process.poll() is None else 0
        self.server.events.put(event)
        ended = self.waits() if self.process.poll() is None else self.process.returncode
        # A response that is written in parts may come after its client has asked for the next event.
        until = time.monotonic() + 5 * bool(event.get("streams"))
        while len(self.server.sent) == first and time.monotonic() < until:
            time.sleep(0.01)
        self.output.seek(before)
        printed = self.output.read().decode("utf-8", "backslashreplace")
        return {"sent": self.server.sent[first:], "printed": comparable(printed, self.folder), "ended": ended}

    def end(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def main():
    wanted = json.load(sys.stdin)
    told = {}
    for name, how in wanted["clients"].items():
        client = Client(wanted["folder"], wanted["handler"], how)
        told[name] = {}
        for number, event in enumerate(wanted["events"]):
            given = {**event, "id": "00000000-0000-4000-8000-%012d" % number}
            told[name][event["name"]] = client.run(given)
        client.end()
    json.dump(told, sys.stdout)


main()
