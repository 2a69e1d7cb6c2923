"""Runs a Lambda handler in Python against the Lambda Runtime API.

One kept-alive connection; the response to one invocation and the request for the next go out in one
write, which the host answers in order.
"""
import json
import os
import socket
import sys
import time
import traceback

BASE = "/2018-06-01/runtime"


def main():
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].rsplit(":", 1)
    connection = Connection(host, int(port))
    root = os.environ["LAMBDA_TASK_ROOT"]
    sys.path.insert(0, root)
    try:
        handler = load(os.environ["_HANDLER"])
    except BaseException as error:  # a module may raise anything, SystemExit included
        failure = describe(error, "")
        print_failure(failure)
        connection.exchange([post(BASE + "/init/error", json.dumps(failure), error_type=failure["errorType"])])
        sys.stdout.flush()
        sys.exit(1)
    pending = [get(BASE + "/invocation/next")]
    while True:
        headers, body = connection.exchange(pending)
        request_id = headers["lambda-runtime-aws-request-id"]
        path = BASE + "/invocation/" + request_id
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
        try:
            answer = post(path + "/response", marshal(handler(json.loads(body), Context(headers))))
        except Exception as error:
            failure = describe(error, request_id)
            print_failure(failure)
            answer = post(path + "/error", json.dumps(failure), error_type=failure["errorType"])
        sys.stdout.flush()
        sys.stderr.flush()
        pending = [answer, get(BASE + "/invocation/next")]


class Connection:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def exchange(self, requests):
        """Sends all requests at once and returns the last answer."""
        try:
            self.socket.sendall(b"".join(requests))
        except OSError:
            # The host has gone.
            os._exit(0)
        answer = None
        for _ in requests:
            answer = self.read()
        return answer

    def read(self):
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        while len(self.buffer) < length:
            self.fill()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return headers, body

    def fill(self):
        try:
            more = self.socket.recv(262144)
        except OSError:
            more = b""
        if not more:
            # The host has gone, or wants this worker to end.
            os._exit(0)
        self.buffer += more


def get(path):
    return ("GET %s HTTP/1.1\r\nhost: runtime\r\n\r\n" % path).encode()


def post(path, text, error_type=None):
    body = text.encode("utf-8", "surrogatepass")
    kind = "lambda-runtime-function-error-type: %s\r\n" % error_type if error_type else ""
    head = "POST %s HTTP/1.1\r\nhost: runtime\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n"
    return (head % (path, kind, len(body))).encode() + body


def marshal(result):
    try:
        return json.dumps(result, ensure_ascii=False)
    except Exception as error:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error) from None


# Names and words of what goes wrong with a handler are those of AWS's client (awslambdaric).
def load(name):
    module_name, dot, function = name.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName", "Bad handler '%s': use module.function" % name)
    if module_name.split(".")[0] in sys.builtin_module_names:
        message = "Cannot use built-in module %s as a handler module" % module_name
        raise Fault("Runtime.BuiltInModuleConflict", message)
    import importlib

    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = "Unable to import module '%s': %s" % (module_name, error)
        raise Fault("Runtime.ImportModuleError", message).with_traceback(error.__traceback__) from None
    except SyntaxError as error:
        message = "Syntax error in module '%s': %s" % (module_name, error)
        trace = '  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)
        raise Fault("Runtime.UserCodeSyntaxError", message, [trace.rstrip("\n")]) from None
    try:
        return getattr(module, function)
    except AttributeError:
        message = "Handler '%s' missing on module '%s'" % (function, module_name)
        raise Fault("Runtime.HandlerNotFound", message) from None


class Fault(Exception):
    """Something wrong with the package, not inside the handler."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind = kind
        self.trace = trace


def describe(error, request_id):
    kind = error.kind if isinstance(error, Fault) else type(error).__name__
    stack = error.trace if isinstance(error, Fault) else None
    if stack is None:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        stack = [line.rstrip("\n") for line in traceback.format_list(frames)]
    return {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": stack}


def print_failure(failure):
    sys.stdout.flush()
    lines = ["[ERROR] %s: %s" % (failure["errorType"], failure["errorMessage"])]
    if failure["stackTrace"]:
        lines.append("Traceback (most recent call last):")
        lines.extend(failure["stackTrace"])
    print("\n".join(lines), file=sys.stderr, flush=True)


class Identity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


class ClientContext:
    def __init__(self, values):
        self.custom = values.get("custom", {})
        self.env = values.get("env", {})
        self.client = values.get("client")


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn", "")
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = Identity()
        client = headers.get("lambda-runtime-client-context")
        self.client_context = ClientContext(json.loads(client)) if client else None
        self._deadline = int(headers.get("lambda-runtime-deadline-ms", "0"))

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)


main()
