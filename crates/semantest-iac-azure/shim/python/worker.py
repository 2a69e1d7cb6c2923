"""One process of a function, and the Lambda Runtime API (2018-06-01) that it talks to."""
import http.server
import os
import signal
import socket
import subprocess
import threading

from .definition import FOLDER
from .environment import command, function_id, variables
from .exit import words
from .text import dumps, now_ms, trace_id

BASE = "/2018-06-01/runtime/"
# Largest response, in bytes (AWS Lambda quotas).
MAX_PAYLOAD = 6 * 1024 * 1024
# A process that asks for no invocation within this time, or its function's longer one, is killed.
INIT_S = 10
# So long the last lines of a process that has ended are waited for.
LAST_LINES_S = 0.5


def failure(error_type, message):
    """(payload, error type) of what went wrong outside the handler."""
    return dumps({"errorType": error_type, "errorMessage": message}).encode(), error_type


class Worker:
    """`pool` is told of the process: `take(worker)` gives jobs, `ended(worker, failure)`."""

    def __init__(self, pool):
        self.pool = pool
        self.ready = False
        self.gone = threading.Event()
        self.current = None
        self.lately = None
        self.failed = None
        self.verdict = None
        self.process = None
        self.clock = None
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        settings = self.pool.settings
        server = RuntimeApi(self)
        threading.Thread(target=server.serve, daemon=True).start()
        api = "127.0.0.1:%d" % server.server_address[1]
        environment = variables(self.pool.definition, settings, self.pool.environment, api, self.pool.credentials)
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        seconds = max(INIT_S, settings["timeout_s"])
        try:
            # A group of its own: what it starts ends with it.
            self.process = subprocess.Popen(
                command(FOLDER), cwd=settings["code"], env=environment, start_new_session=True, **pipes
            )
        except OSError as error:
            self.end("the function's process cannot be started: %s" % error)
            server.close()
            return
        self.limit(seconds, "Init phase timed out after %d.00 seconds" % seconds)
        readers = [threading.Thread(target=self.follow, args=(pipe,), daemon=True)
                   for pipe in (self.process.stdout, self.process.stderr)]
        for reader in readers:
            reader.start()
        status = self.process.wait()
        # Children of the process must not outlive it.
        self.kill()
        for reader in readers:
            reader.join(LAST_LINES_S)
        self.end(words(status))
        server.close()

    def follow(self, pipe):
        for line in pipe:
            self.pool.log(self.current or self.lately, line.rstrip(b"\r\n").decode("utf-8", "replace"))

    def limit(self, seconds, text):
        self.clock = threading.Timer(seconds, self.condemn, ("Sandbox.Timedout", text))
        self.clock.daemon = True
        self.clock.start()

    def condemn(self, error_type, text):
        self.verdict = self.verdict or (error_type, text)
        self.kill()

    def kill(self):
        self.gone.set()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (AttributeError, ProcessLookupError, PermissionError):
            pass

    def next(self):
        """The next invocation's headers and event; nothing where this process is to end."""
        if not self.ready and self.clock:
            self.clock.cancel()
        self.ready = True
        job = self.pool.take(self)
        if job is None:
            return None
        seconds = self.pool.settings["timeout_s"]
        job.started = now_ms()
        self.current = self.lately = job
        self.limit(seconds, "%s Task timed out after %d.00 seconds" % (job.request_id, seconds))
        return {
            "lambda-runtime-aws-request-id": job.request_id,
            "lambda-runtime-deadline-ms": str(job.started + seconds * 1000),
            "lambda-runtime-invoked-function-arn": function_id(self.pool.settings, self.pool.environment),
            "lambda-runtime-trace-id": job.trace_id or trace_id(),
        }, job.event

    def finish(self, request_id):
        job = self.current
        if job is None or job.request_id != request_id:
            return None
        self.current = None
        self.clock.cancel()
        return job

    def respond(self, request_id, payload):
        job = self.finish(request_id)
        if job and len(payload) > MAX_PAYLOAD:
            text = "Response payload size exceeded maximum allowed payload size (%d bytes)." % MAX_PAYLOAD
            job.answer(*failure("Function.ResponseSizeTooLarge", text))
        elif job:
            job.answer(payload)
        return job is not None

    def fail(self, request_id, error_type, payload):
        job = self.finish(request_id)
        if job:
            job.answer(payload, error_type)
        return job is not None

    def end(self, text):
        self.gone.set()
        if self.clock:
            self.clock.cancel()
        error_type, text = self.verdict or ("Runtime.ExitError", text)
        job, self.current = self.current, None
        if job:
            self.pool.log(job, text)
            timed_out = error_type == "Sandbox.Timedout"
            job.answer(*failure(error_type, text if timed_out else "RequestId: %s %s" % (job.request_id, text)))
        elif not self.ready and not self.failed:
            self.pool.log(None, text)
        started = self.ready or job is not None
        self.pool.ended(self, None if started else self.failed or failure(error_type, text))


class RuntimeApi(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, worker):
        super().__init__(("127.0.0.1", 0), Handler)
        self.worker = worker

    def serve(self):
        """Takes connections until it is closed."""
        while True:
            try:
                self.process_request(*self.get_request())
            except OSError:
                return

    def close(self):
        try:
            # Who waits for a connection is woken; closing alone does not do that.
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.server_close()

    def handle_error(self, request, client_address):
        """The process going away in the middle is its supervisor's business."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path != BASE + "invocation/next":
            return self.reply(404, b'{"errorType":"NotFound","errorMessage":"no such path"}')
        taken = self.server.worker.next()
        if taken is None:
            self.close_connection = True
            return None
        headers, event = taken
        return self.reply(200, event, headers)

    def do_POST(self):
        worker = self.server.worker
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        what, _, rest = self.path.removeprefix(BASE).partition("/")
        request_id, _, how = rest.partition("/")
        kind = self.headers.get("lambda-runtime-function-error-type", "Unhandled")
        accepted = True
        if what == "invocation" and how == "response":
            accepted = worker.respond(request_id, body)
        elif what == "invocation" and how == "error":
            accepted = worker.fail(request_id, kind, body)
        elif (what, rest) == ("init", "error"):
            worker.failed = (body, kind)
        else:
            return self.reply(404, b'{"errorType":"NotFound","errorMessage":"no such path"}')
        if accepted:
            return self.reply(202, b'{"status":"OK"}')
        return self.reply(400, b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}')

    def reply(self, status, body, headers=()):
        lines = ["HTTP/1.1 %d %s" % (status, "OK"), "content-type: application/json", "content-length: %d" % len(body)]
        lines += ["%s: %s" % pair for pair in dict(headers).items()]
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def log_message(self, format, *args):
        """Nothing: these are no requests of anybody's."""
