"""What handlers do, and what can go wrong with them, each under its name."""
import collections
import datetime
import decimal
import enum
import json
import logging
import os
import sys
import warnings

log = logging.getLogger("app")
logging.getLogger().setLevel(logging.DEBUG)
Point = collections.namedtuple("Point", "x y")
Nested = collections.namedtuple("Nested", "name value")


class Colour(enum.IntEnum):
    RED = 1


class Odd(Exception):
    """Its text cannot be made."""

    def __str__(self):
        raise RuntimeError("no text")


class Outer:
    class Inner(ValueError):
        pass


class Text(str):
    pass


def caused():
    try:
        {}["absent"]
    except KeyError as error:
        raise ValueError("while looking") from error


def in_handling():
    try:
        int("x")
    except ValueError:
        raise TypeError("in handling")


def deep(level):
    return deep(level - 1) if level else 1 / 0


def circular():
    ring = []
    ring.append(ring)
    return ring


def raises(error):
    raise error


def logs(call):
    call()
    return "logged"


def chained_logging():
    try:
        caused()
    except ValueError:
        log.exception("caught")


ACTS = {
    # Answers.
    "text": lambda e, c: "plain é € \U0001f600 \u2028 \x00 \x7f \"quoted\" \\ /",
    "text subclass": lambda e, c: Text("sub"),
    "surrogate": lambda e, c: "\ud800",
    "nothing": lambda e, c: None,
    "true": lambda e, c: True,
    "zero": lambda e, c: 0,
    "negative zero": lambda e, c: -0.0,
    "empty": lambda e, c: {},
    "large number": lambda e, c: 2**70,
    "fractions": lambda e, c: [0.1, 1e22, 1e-7, 1.0, 123456789.123456789],
    "not a number": lambda e, c: float("nan"),
    "infinite": lambda e, c: [float("inf"), -float("inf"), 1e400],
    "bytes": lambda e, c: b'{"raw": true}',
    "bytes that are no text": lambda e, c: b"\xff\xfe",
    "bytes inside": lambda e, c: {"a": b"text"},
    "bytes inside that are no text": lambda e, c: {"a": b"\xff"},
    "bytearray": lambda e, c: bytearray(b"x"),
    "tuple": lambda e, c: (1, "a", (2,)),
    "namedtuple": lambda e, c: Point(1, Nested("n", Point(decimal.Decimal("1.50"), 2))),
    "namedtuple of decimals in a list": lambda e, c: [Point(decimal.Decimal("0.1"), None)],
    "set": lambda e, c: {1},
    "generator": lambda e, c: (x for x in []),
    "date": lambda e, c: datetime.date(2026, 1, 2),
    "object": lambda e, c: {"a": Outer()},
    "exception as answer": lambda e, c: ValueError("x"),
    "enumeration": lambda e, c: [Colour.RED, {Colour.RED: 1}],
    "keys": lambda e, c: {1: "a", None: "b", True: "c", 1.5: "d"},
    "tuple as key": lambda e, c: {(1, 2): 3},
    "decimals": lambda e, c: [decimal.Decimal(text) for text in ("1.10", "5", "1E+3", "-0", "1e-9", "12345678901234567890.123")],
    "decimal that is no number": lambda e, c: decimal.Decimal("NaN"),
    "decimal that is infinite": lambda e, c: decimal.Decimal("Infinity"),
    "circular": lambda e, c: circular(),
    "order": lambda e, c: {"b": 1, "a": 2, "c": [3, {"z": 1, "y": 2}]},
    "event": lambda e, c: e,
    # Failures.
    "fails": lambda e, c: raises(ValueError("bad")),
    "fails without words": lambda e, c: raises(ValueError()),
    "fails with values": lambda e, c: raises(ValueError(1, "two", [3])),
    "fails in several lines": lambda e, c: raises(ValueError("first\nsecond\n  third")),
    "fails in unicode": lambda e, c: raises(ValueError("é € \U0001f600")),
    "fails with a lone surrogate": lambda e, c: raises(ValueError("\ud800")),
    "fails with quotes": lambda e, c: raises(ValueError('say "no" \\ \t')),
    "fails by a class": lambda e, c: raises(ValueError),
    "fails by an inner class": lambda e, c: raises(Outer.Inner("inner")),
    "fails by a file": lambda e, c: open("/nothing/of/that/name"),
    "fails by a key": lambda e, c: {}["absent"],
    "fails by an attribute": lambda e, c: None.absent,
    "fails by decoding": lambda e, c: b"\xff".decode(),
    "fails by json": lambda e, c: json.loads("{bad"),
    "caused": lambda e, c: caused(),
    "in handling": lambda e, c: in_handling(),
    "deep": lambda e, c: deep(10),
    "endless": lambda e, c: deep(1_000_000),
    "group": lambda e, c: raises(ExceptionGroup("several", [ValueError("a"), TypeError("b")])) if sys.version_info >= (3, 11) else None,
    "stops": lambda e, c: raises(StopIteration("stop")),
    # The end of the process.
    "exits": lambda e, c: sys.exit(),
    "exits with a code": lambda e, c: sys.exit(3),
    "exits with words": lambda e, c: sys.exit("enough"),
    "is interrupted": lambda e, c: raises(KeyboardInterrupt("stop")),
    "base exception": lambda e, c: raises(BaseException("base")),
    "generator exit": lambda e, c: raises(GeneratorExit("out")),
    "ends at once": lambda e, c: os._exit(7),
    # The log.
    "prints": lambda e, c: logs(lambda: print("one", "é", "\U0001f600", sep="|")),
    "prints without an end": lambda e, c: logs(lambda: print("no end", end="")),
    "prints to both": lambda e, c: logs(lambda: (print("out"), print("err", file=sys.stderr))),
    "prints lines": lambda e, c: logs(lambda: print("a\nb\n\nc")),
    "writes bytes": lambda e, c: logs(lambda: (sys.stdout.flush(), os.write(1, b"bytes\n"))),
    "warns": lambda e, c: logs(lambda: warnings.warn("careful", stacklevel=1)),
    "logs": lambda e, c: logs(lambda: [getattr(log, level)("at %s", level) for level in ("debug", "info", "warning", "error", "critical")]),
    "logs unicode": lambda e, c: logs(lambda: log.info("é € \U0001f600")),
    "logs lines": lambda e, c: logs(lambda: log.info("a\nb")),
    "logs an exception": lambda e, c: logs(chained_logging),
    "logs more": lambda e, c: logs(lambda: log.info("more", extra={"user": "u"})),
    "logs a stack": lambda e, c: logs(lambda: log.info("values %s %d", {"a": 1}, 5)),
    "logs at a level of its own": lambda e, c: logs(lambda: log.log(25, "between")),
    "context log": lambda e, c: logs(lambda: (c.log("text"), c.log(5), c.log("é\n"))),
    # The context.
    "context": lambda e, c: repr(c),
    "context fields": lambda e, c: {name: repr(getattr(c, name)) for name in sorted(dir(c)) if not name.startswith("_") and not callable(getattr(c, name))},
    "client": lambda e, c: [repr(c.client_context), repr(c.client_context and c.client_context.client), c.client_context and c.client_context.custom],
    "identity": lambda e, c: [repr(c.identity), c.identity.cognito_identity_id],
    "remaining": lambda e, c: [type(c.get_remaining_time_in_millis()).__name__, c.get_remaining_time_in_millis() > 0],
    "trace": lambda e, c: os.environ.get("_X_AMZN_TRACE_ID"),
    "w3c": lambda e, c: [c.w3c(), repr(c.client_context)],
    "module": lambda e, c: [__name__, os.getcwd() == os.environ["LAMBDA_TASK_ROOT"], sys.path[0] == os.environ["LAMBDA_TASK_ROOT"]],
}


def handler(event, context):
    name = event.get("act", "event") if isinstance(event, dict) else "event"
    return ACTS[name](event, context)


def names():
    return list(ACTS)
