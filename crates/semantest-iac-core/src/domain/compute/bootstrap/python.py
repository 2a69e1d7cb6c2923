"""Runs a Lambda handler in Python against the Lambda Runtime API.

One kept-alive connection; the response to one invocation and the request for the next go out in one
write, which the host answers in order.
"""
import importlib
import json
import os
import sys
import traceback

import semantest_lambda as client

BASE = "/2018-06-01/runtime"


def main():
    connection = Connection()
    # In place of the folder of this file, which is nothing of the function's.
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    # Those of layers come next, and before Python's own.
    layers = os.environ.pop("SEMANTEST_PYTHON_FOLDERS", "")
    sys.path[1:1] = [folder for folder in layers.split(os.pathsep) if folder]
    client.set_up_logging()
    try:
        let_a_debugger_in()
        handler = load(os.environ["_HANDLER"])
    except Exception as error:  # what else a module may raise, SystemExit for one, ends the process as on AWS
        failure = describe(error, "")
        print_failure(failure, error)
        connection.exchange([post_error("/init/error", failure)])
        sys.exit(1)
    pending = [NEXT]
    while True:
        headers, body = connection.exchange(pending)
        answer = invoke(handler, headers, body)
        sys.stdout.flush()
        sys.stderr.flush()
        pending = [answer, NEXT]


def let_a_debugger_in():
    port, wait = os.environ.pop("SEMANTEST_DEBUGPY", ""), os.environ.pop("SEMANTEST_INSPECT_WAIT", "")
    if not port:
        return
    import debugpy
    debugpy.listen(("127.0.0.1", int(port)))
    print("Debugger listening on 127.0.0.1:%s" % port, file=sys.stderr, flush=True)
    if wait:
        debugpy.wait_for_client()


def invoke(handler, headers, body):
    """The request that answers one invocation."""
    request_id = headers["lambda-runtime-aws-request-id"]
    path = "/invocation/" + request_id
    client.request_id = request_id
    os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
    try:
        context = client.LambdaContext(headers)
        payload, kind = client.marshal(handler(client.unmarshal(body), context))
        failed = None
    except Exception as error:
        failed = error
    if failed is None:
        # A lone surrogate is no UTF-8: it ends the process, as on AWS from Python 3.12 on (below, it is escaped).
        payload = payload if isinstance(payload, bytes) else payload.encode()
        return post(path + "/response", payload, "content-type: %s\r\n" % kind)
    failure = describe(failed, request_id)
    print_failure(failure, failed)
    return post_error(path + "/error", failure)


def connected():
    """Where to read and to write: the pipes inherited from the host, or else what Lambda's variable says."""
    inherited = os.environ.pop("SEMANTEST_RUNTIME_PIPES", "")
    if inherited:
        reads, writes = [int(descriptor) for descriptor in inherited.split(",")]
        # They are nothing of what the handler starts.
        os.set_inheritable(reads, False)
        os.set_inheritable(writes, False)
        return reads, writes
    import socket
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].rsplit(":", 1)
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    descriptor = connection.detach()
    return descriptor, descriptor


class Connection:
    def __init__(self):
        self.reads, self.writes = connected()
        self.buffer = b""

    def exchange(self, requests):
        """Sends all requests at once and returns the last answer."""
        try:
            left = memoryview(b"".join(requests))
            while left:
                left = left[os.write(self.writes, left):]
        except OSError:
            # The host has gone.
            os._exit(0)
        for _ in requests[1:]:
            self.read()
        head, body = self.read()
        fields = [line.partition(":") for line in head.decode("latin-1").split("\r\n")]
        return {name.lower(): value.strip() for name, _, value in fields}, body

    def read(self):
        """The head and the body of one answer."""
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self.buffer += self.more(65536)
        head = self.buffer[: end + 2]
        start = end + 4
        end = start + length_told(head.lower())
        if len(self.buffer) < end:
            parts, lacking = [self.buffer], end - len(self.buffer)
            while lacking > 0:
                parts.append(self.more(min(lacking, 1048576)))
                lacking -= len(parts[-1])
            self.buffer = b"".join(parts)
        body, self.buffer = self.buffer[start:end], self.buffer[end:]
        return head, body

    def more(self, most):
        try:
            more = os.read(self.reads, most)
        except OSError:
            more = b""
        if not more:
            # The host has gone, or wants this worker to end.
            os._exit(0)
        return more


NEXT = ("GET %s/invocation/next HTTP/1.1\r\nhost: runtime\r\n\r\n" % BASE).encode()


def length_told(head):
    name = b"\r\ncontent-length:"
    at = head.find(name)
    return 0 if at < 0 else int(head[at + len(name) : head.find(b"\r\n", at + 2)])


def post(path, body, headers):
    head = "POST %s%s HTTP/1.1\r\nhost: runtime\r\n%scontent-length: %d\r\n\r\n"
    return (head % (BASE, path, headers, len(body))).encode() + body


def post_error(path, failure):
    headers = "content-type: application/json\r\nlambda-runtime-function-error-type: %s\r\n" % failure["errorType"]
    return post(path, json.dumps(failure, ensure_ascii=client.ENSURE_ASCII).encode(), headers)


# Names and words of what goes wrong with a handler are those of AWS's client (awslambdaric).
def load(name):
    module_name, dot, function = name.rpartition(".")
    if not dot:
        raise client.Fault("Runtime.MalformedHandlerName", "Bad handler '%s': use module.function" % name)
    if module_name.split(".")[0] in sys.builtin_module_names:
        message = "Cannot use built-in module %s as a handler module" % module_name
        raise client.Fault("Runtime.BuiltInModuleConflict", message)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = "Unable to import module '%s': %s" % (module_name, error)
        raise client.Fault("Runtime.ImportModuleError", message).with_traceback(error.__traceback__) from None
    except SyntaxError as error:
        message = "Syntax error in module '%s': %s" % (module_name, error)
        trace = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)]
        raise client.Fault("Runtime.UserCodeSyntaxError", message, trace) from None
    try:
        return getattr(module, function)
    except AttributeError:
        message = "Handler '%s' missing on module '%s'" % (function, module_name)
        raise client.Fault("Runtime.HandlerNotFound", message) from None


def describe(error, request_id):
    fault = isinstance(error, client.Fault)
    return {
        "errorMessage": str(error),
        "errorType": error.kind if fault else type(error).__name__,
        "requestId": request_id,
        "stackTrace": error.trace if fault else stack_of(error),
    }


def stack_of(error):
    # Tuples carry no columns: lines without the marks that Python 3.11 and later put under an expression.
    frames = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in traceback.extract_tb(error.__traceback__)]
    theirs = next((at for at, frame in enumerate(frames) if frame[0] != __file__), 0)
    return traceback.format_list(frames[theirs:])


def print_failure(failure, error):
    head = "[ERROR] " + failure["errorType"]
    if failure["errorMessage"]:
        head += ": " + failure["errorMessage"]
    stack = failure["stackTrace"]
    if failure["errorType"] == "Runtime.ImportModuleError":
        # The answer tells no more than AWS's does; where the import stands is told here.
        stack = stack_of(error)
    lines = [head, "Traceback (most recent call last):"]
    for entry in stack:
        lines.extend(entry.splitlines())
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


main()
