"""A debugger of Python (Debug Adapter Protocol): sets a breakpoint, waits until it is hit, evaluates in the frame, and goes on.

Arguments: the port, the file, a line (from 1), an expression, how long to stay at the breakpoint in seconds. Prints `set`
once the breakpoint is, then what it found, as JSON.
"""
import json
import socket
import sys
import time

port, path, line, expression, stay = sys.argv[1:]
deadline = time.monotonic() + 60
while True:
    try:
        connection = socket.create_connection(("127.0.0.1", int(port)))
        break
    except OSError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.05)
stream = connection.makefile("rb")
last = 0
seen = []


def read():
    length = 0
    while True:
        head = stream.readline()
        if not head:
            raise SystemExit("the debugger's connection has ended")
        if head == b"\r\n":
            break
        name, _, value = head.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(stream.read(length))


def wait_for(what):
    for message in seen:
        if what(message):
            seen.remove(message)
            return message
    while True:
        message = read()
        if what(message):
            return message
        seen.append(message)


def send(command, arguments):
    global last
    last += 1
    text = json.dumps({"seq": last, "type": "request", "command": command, "arguments": arguments}).encode()
    connection.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
    return last


def answer_to(number):
    message = wait_for(lambda one: one["type"] == "response" and one["request_seq"] == number)
    if not message["success"]:
        raise SystemExit("refused: %s" % message)
    return message.get("body") or {}


def call(command, **arguments):
    return answer_to(send(command, arguments))


def event(name):
    return wait_for(lambda one: one["type"] == "event" and one["event"] == name).get("body") or {}


call("initialize", adapterID="test", clientID="test", pathFormat="path", linesStartAt1=True, columnsStartAt1=True)
# It is answered once the configuration is done.
attached = send("attach", {"justMyCode": False})
event("initialized")
[breakpoint] = call("setBreakpoints", source={"path": path}, breakpoints=[{"line": int(line)}])["breakpoints"]
call("configurationDone")
answer_to(attached)
print("set", flush=True)
stopped = event("stopped")
[frame] = call("stackTrace", threadId=stopped["threadId"], levels=1)["stackFrames"]
value = call("evaluate", expression=expression, frameId=frame["id"], context="watch")["result"]
time.sleep(float(stay))
print(json.dumps({"place": frame["source"]["path"], "line": frame["line"], "value": value}), flush=True)
call("continue", threadId=stopped["threadId"])
call("disconnect")
