"""Events of a WebSocket API, of what Web PubSub tells, and which route a message takes."""
import base64
import json

from .http_event import port
from .text import common_log_time, gateway_id, now_ms, ordered, trace_id


def context(api, connection, route_key, event_type):
    """`requestContext` of an event."""
    now, request_id = now_ms(), gateway_id()
    return {
        "routeKey": route_key,
        "eventType": event_type,
        "extendedRequestId": request_id,
        "requestTime": common_log_time(now),
        "messageDirection": "IN",
        "stage": api["stage"],
        "connectedAt": connection["connectedAt"],
        "requestTimeEpoch": now,
        "identity": {"userAgent": connection["userAgent"], "sourceIp": connection["sourceIp"]},
        "requestId": request_id,
        "domainName": connection["domainName"],
        "connectionId": connection["id"],
        "apiId": api["api_id"],
    }


def connect(told, connection, request_context):
    """The event of `$connect`; `told` is the body of Web PubSub's event: the client's headers and query, each with a
    list."""
    headers = {}
    for name, values in (told.get("headers") or {}).items():
        headers.setdefault(canonical(name.lower()), []).extend(listed(values))
    # The client has called Web PubSub; what functions know and call is this app.
    headers["Host"] = [connection["domainName"]]
    hops = [hop for hop in headers.get("X-Forwarded-For", ()) if hop != connection["sourceIp"]]
    headers["X-Forwarded-For"] = [", ".join([*hops, connection["sourceIp"]])]
    headers["X-Forwarded-Port"] = [port(connection["domainName"], True)]
    headers["X-Forwarded-Proto"] = ["https"]
    headers.setdefault("X-Amzn-Trace-Id", [trace_id()])
    # The token is between the client and Web PubSub.
    given = (told.get("query") or {}).items()
    query = {name: listed(values) for name, values in given if name != "access_token"}
    event = {
        "headers": last_values(headers),
        "multiValueHeaders": ordered(headers),
        "requestContext": request_context,
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = last_values(query)
        event["multiValueQueryStringParameters"] = ordered(query)
    return event


def message(request_context, body, binary):
    """The event of a message."""
    request_context["messageId"] = gateway_id()
    text = base64.b64encode(body).decode() if binary else body.decode("utf-8")
    return {"requestContext": request_context, "body": text, "isBase64Encoded": binary}


def disconnect(request_context, connection, status, reason):
    """The event of `$disconnect`. Its headers are these on AWS too, empty as they are."""
    request_context["disconnectStatusCode"] = status
    request_context["disconnectReason"] = reason
    headers = {"Host": [connection["domainName"]], "X-Forwarded-For": [""], "x-api-key": [""], "x-restapi": [""]}
    return {
        "headers": last_values(headers),
        "multiValueHeaders": ordered(headers),
        "requestContext": request_context,
        "isBase64Encoded": False,
    }


def route_of(routes, body):
    """The route a message takes: what `$request.body.action` finds in it, where that is a route."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    action = told.get("action") if isinstance(told, dict) else None
    by_key = {route["route_key"]: route for route in routes}
    named = by_key.get(action) if isinstance(action, str) and not action.startswith("$") else None
    return named or by_key.get("$default")


def canonical(name):
    return "-".join("WebSocket" if part == "websocket" else part[:1].upper() + part[1:] for part in name.split("-"))


def listed(values):
    return [str(value) for value in (values if isinstance(values, list) else [values])]


def last_values(found):
    return ordered({name: values[-1] for name, values in found.items() if values})
