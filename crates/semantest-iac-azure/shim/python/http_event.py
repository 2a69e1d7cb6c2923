"""Payload format 2.0: the event that a function behind an HTTP API gets."""
import base64
import re

from .text import common_log_time, decode, gateway_id, header, now_ms, ordered, parameters, trace_id

TEXTUAL = ("application/json", "application/xml", "application/javascript")
NOT_SHOWN = ("cookie", "connection", "transfer-encoding")


def http_event(api, request, route, path_parameters):
    host = header(request, "host") or "127.0.0.1"
    path = decode(request.path)
    now = now_ms()
    given = [part.strip() for key, value in request.headers if key == "cookie" for part in value.split(";")]
    cookies = [cookie for cookie in given if cookie]
    query = query_parameters(request.query)
    body, encoded = encode_body(request.body, header(request, "content-type"))
    event = {"version": "2.0", "routeKey": route["route_key"], "rawPath": path, "rawQueryString": request.query}
    if cookies:
        event["cookies"] = cookies
    event["headers"] = headers(request)
    if query:
        event["queryStringParameters"] = query
    event["requestContext"] = {
        "accountId": api["account_id"],
        "apiId": api["api_id"],
        "domainName": host,
        "domainPrefix": re.split(r"[.:]", host)[0],
        "http": {
            "method": request.method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.peer,
            "userAgent": header(request, "user-agent") or "",
        },
        "requestId": gateway_id(),
        "routeKey": route["route_key"],
        "stage": "$default",
        "time": common_log_time(now),
        "timeEpoch": now,
    }
    if body is not None:
        event["body"] = body
    if path_parameters:
        event["pathParameters"] = path_parameters
    event.update(stage_variables(api))
    event["isBase64Encoded"] = encoded
    return event


def stage_variables(api):
    """What the API's stage tells functions; no empty key."""
    return {"stageVariables": api["stage_variables"]} if api.get("stage_variables") else {}


def headers(request):
    shown = {}
    for name, value in request.headers:
        if name not in NOT_SHOWN:
            shown[name] = "%s,%s" % (shown[name], value) if shown.get(name) else value
    # Hops are a client's to name; what it reached us by is not.
    hops = shown.get("x-forwarded-for")
    shown["x-forwarded-for"] = "%s, %s" % (hops, request.peer) if hops else request.peer
    shown["x-forwarded-port"] = port(shown.get("host", ""), request.secure)
    shown["x-forwarded-proto"] = "https" if request.secure else "http"
    shown.setdefault("x-amzn-trace-id", trace_id())
    return ordered(shown)


def port(host, secure):
    named = re.search(r":(\d+)$", host.split("]")[-1])
    return named.group(1) if named else "443" if secure else "80"


def query_parameters(query):
    found = {}
    for name, value in parameters(query):
        found[name] = "%s,%s" % (found[name], value) if name in found else value
    return ordered(found)


def encode_body(body, content_type):
    """Text for the types API Gateway takes for text, Base64 for everything else."""
    if not body:
        return None, False
    kind = (content_type or "").split(";")[0].strip().lower()
    if kind.startswith("text/") or kind in TEXTUAL:
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True
