"""Does what the last part of a request's path says, or an event's `do`."""
import base64
import json
import logging
import os
import sys
import time

log = logging.getLogger()
log.setLevel(logging.INFO)
calls = 0
instance = os.urandom(8).hex()


def handler(event, context):
    global calls
    calls += 1
    do = event.get("do") or event.get("rawPath", "").rsplit("/", 1)[-1]
    if do == "answer":
        body = event.get("body") or "null"
        return json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    if do == "context":
        return about(event, context)
    if do == "env":
        return dict(os.environ)
    if do == "calls":
        return {"calls": calls}
    if do == "instance":
        return {"instance": instance}
    if do == "raise":
        raise KeyError("on purpose")
    if do == "exit":
        os._exit(3)
    if do == "sys-exit":
        sys.exit(3)
    if do == "set":
        return {1, 2}
    if do == "large":
        return "x" * (7 * 1024 * 1024)
    if do == "hog":
        hog = bytearray(700 * 1024 * 1024)
        time.sleep(4)
        return len(hog)
    if do == "print":
        print("printed line")
        log.info("logged line")
    if do == "cors":
        headers = {"access-control-allow-origin": "https://functions.example", "x-total": "5"}
        return {"statusCode": 200, "headers": headers, "body": "{}"}
    return event


def about(event, context):
    shown = (
        "function_name", "function_version", "invoked_function_arn", "memory_limit_in_mb", "aws_request_id",
        "log_group_name", "log_stream_name",
    )
    told = {name: getattr(context, name, None) for name in shown}
    left = context.get_remaining_time_in_millis()
    gateways = event.get("requestContext", {}).get("requestId")
    return {**told, "left": 0 < left <= 10_000, "ids_differ": gateways != context.aws_request_id}


def slow(event, context):
    time.sleep(20)
