"""What requests look like to a function, and what its answers become: the same behind every gateway."""
import base64
import json

SHOWN = (
    "version", "routeKey", "rawPath", "rawQueryString", "cookies", "queryStringParameters", "pathParameters", "body",
    "isBase64Encoded",
)
OF_THE_WAY = ("host", "content-length", "x-amzn-trace-id", "x-forwarded-port", "x-forwarded-proto")


def seen(event):
    shown = {key: event[key] for key in SHOWN if key in event}
    shown["headers"] = {name: value for name, value in event["headers"].items() if name not in OF_THE_WAY}
    context = event["requestContext"]
    shown["requestContext"] = {key: context[key] for key in ("http", "accountId", "stage", "routeKey")}
    shown["keys"] = list(event)
    shown["contextKeys"] = list(context)
    return shown


def handler(event, context):
    path, query = event["rawPath"], event.get("queryStringParameters")
    body = event.get("body", "")
    body = base64.b64decode(body) if event["isBase64Encoded"] else body.encode()
    if path == "/answer":
        return json.loads(body)
    if path == "/throw":
        raise ValueError("a failure of the handler's")
    if path == "/size":
        return {"statusCode": 200, "body": str(len(body))}
    if path == "/large":
        return {"statusCode": 200, "body": "x" * int(query["bytes"])}
    text = json.dumps(seen(event), ensure_ascii=False, separators=(",", ":"))
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": text}
