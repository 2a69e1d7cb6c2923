"""What a handler in Python meets: its context, the log, and how its answer becomes JSON.

All of it behaves as in AWS's client (awslambdaric); names that can be seen are its names.
"""
import json
import logging
import os
import re
import sys
import time

# The invocation under way, for what is logged.
request_id = ""


class Fault(Exception):
    """Something wrong with the package or its answer, not inside the handler."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind = kind
        self.trace = list(trace)


class LambdaLoggerHandler(logging.Handler):
    def emit(self, record):
        sys.stdout.write(self.format(record))


class LambdaLoggerFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = request_id
        record.tenant_id = None
        return True


def set_up_logging():
    """Before the handler's module is loaded: its own `basicConfig` then changes nothing, as on AWS."""
    logging.Formatter.converter = time.gmtime
    line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
    handler = LambdaLoggerHandler()
    handler.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(LambdaLoggerFilter())
    logging.getLogger().addHandler(handler)


def keeps_unicode():
    """From Python 3.12 on answers are not escaped to ASCII. The runtime asked for counts, not the one found."""
    asked = re.fullmatch(r"AWS_Lambda_python3\.(\d+)", os.environ.get("AWS_EXECUTION_ENV", ""))
    return asked is not None and int(asked.group(1)) >= 12


ENSURE_ASCII = not keeps_unicode()


def marshal(result):
    """The body and content type of an answer."""
    if isinstance(result, bytes):
        return result, "application/unknown"
    try:
        text = encode(result)
    except Exception as error:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error) from None
    return text, "application/json"


def encode(result):
    NUMBERS.mark = None
    text = ENCODER.encode(result)
    # A tuple shows as an array; only then one with names can be among them. Looked for after the first encoding,
    # which has refused what contains itself.
    if "[" in text and has_names(result):
        text = ENCODER.encode(with_names(result))
    return NUMBERS.put_in(text)


class Numbers:
    """Decimals, which `json` cannot write: a string stands in for each until the text is made."""

    mark = None

    def stand_in(self, value):
        # Loaded by whoever made the value.
        decimal = sys.modules.get("decimal")
        if isinstance(value, bytes):
            return value.decode()
        if decimal is None or not isinstance(value, decimal.Decimal):
            raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)
        if value.is_nan():
            return float("nan")
        self.mark = self.mark or os.urandom(16).hex()
        return self.mark + str(value)

    def put_in(self, text):
        return re.sub('"%s([^"]*)"' % self.mark, r"\1", text) if self.mark else text


# Made once: `json.dumps` with settings makes one for every answer.
NUMBERS = Numbers()
ENCODER = json.JSONEncoder(ensure_ascii=ENSURE_ASCII, default=NUMBERS.stand_in)


def has_names(value):
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, (list, tuple)):
            if hasattr(value, "_asdict"):
                return True
            left.extend(value)
    return False


def with_names(value):
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: with_names(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [with_names(item) for item in value]
    return value


class Readable:
    """Shows its fields as AWS's client does."""

    _shown = ()

    def __repr__(self):
        shown = ",".join("%s=%s" % (name, getattr(self, name)) for name in self._shown)
        return "%s([%s])" % (type(self).__name__, shown)


class Record(Readable):
    def __init__(self, values):
        for name in self._shown:
            setattr(self, name, values.get(name))


class CognitoIdentity(Record):
    _shown = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(Record):
    _shown = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(Record):
    _shown = ("custom", "env", "client")

    def __init__(self, values):
        super().__init__(values)
        self.client = None if self.client is None else Client(self.client)


def told(header, what):
    """What a header of an invocation says, where there is one."""
    if not header:
        return None
    try:
        return json.loads(header)
    except Exception as error:
        raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (what, error)) from None


def trace_context(fields):
    known = ("traceparent", "tracestate", "baggage")
    given = fields if isinstance(fields, dict) else {}
    return {name: given[name] for name in known if isinstance(given.get(name), str)}


def unmarshal(body):
    """The event."""
    try:
        return json.loads(body)
    except Exception as error:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from None


# What does not change from one invocation to the next.
OF_FUNCTION = {
    "function_name": os.environ.get("AWS_LAMBDA_FUNCTION_NAME"),
    "function_version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION"),
    "memory_limit_in_mb": os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
    "log_group_name": os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME"),
    "log_stream_name": os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME"),
}


class LambdaContext(Readable):
    _shown = (
        "aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
        "function_version", "invoked_function_arn", "client_context", "identity", "tenant_id",
    )

    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn", "")
        self.__dict__.update(OF_FUNCTION)
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        identity = told(headers.get("lambda-runtime-cognito-identity"), "Cognito Identity") or {}
        self.identity = CognitoIdentity({
            "cognito_identity_id": identity.get("cognitoIdentityId"),
            "cognito_identity_pool_id": identity.get("cognitoIdentityPoolId"),
        })
        client = told(headers.get("lambda-runtime-client-context"), "Client Context")
        self._w3c = trace_context(client.pop("w3c", None)) if client else {}
        self.client_context = None if client is None else ClientContext(client)
        self._epoch_deadline_time_in_ms = int(headers.get("lambda-runtime-deadline-ms", "0"))

    def get_remaining_time_in_millis(self):
        return max(self._epoch_deadline_time_in_ms - int(time.time() * 1000), 0)

    def w3c(self):
        """The trace context (W3C) that came with the invocation."""
        return dict(self._w3c)

    def log(self, message):
        sys.stdout.write(str(message))
