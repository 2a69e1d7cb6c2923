"""What the platform in front of this app adds to a request, taken off again: events are those of a request as its
client has sent it."""
import re

from .text import decode, header

# Added by the front ends of App Service and by the Functions host.
ADDED = frozenset((
    "client-ip", "disguised-host", "max-forwards", "was-default-hostname", "x-appservice-proto", "x-arr-log-id",
    "x-arr-ssl", "x-client-ip", "x-client-port", "x-forwarded-tlsversion", "x-ms-invocation-id",
    "x-ms-client-tlsversion", "x-original-url", "x-site-deployment-id", "x-waws-unencoded-url",
))
AGENT = re.compile(r" ?Azure-Functions-Host/\S+$")
LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


def is_on_platform(environment):
    """Whether App Service stands in front. An instance has an id, or on the Consumption plan a container's name."""
    instance = environment.get("WEBSITE_INSTANCE_ID") or environment.get("CONTAINER_NAME")
    return bool(environment.get("WEBSITE_SITE_NAME") and instance)


def received(request, environment):
    """The request as its client has sent it, with `peer` (address) and `secure` besides."""
    platform = is_on_platform(environment)
    hops = [hop.strip() for hop in (header(request, "x-forwarded-for") or "").split(",") if hop.strip()]
    # The front end has put the client behind the hops that the client names; nobody else's word for it counts.
    peer = without_port(hops.pop()) if platform and hops else request.peer or "127.0.0.1"
    name = environment.get("WEBSITE_HOSTNAME") if platform else None
    headers = []
    for key, value in request.headers:
        if key in ADDED or key.startswith("x-azure-functions-"):
            continue
        if key == "x-forwarded-for":
            value = ", ".join(hops)
        elif key == "user-agent":
            value = AGENT.sub("", value)
        elif key == "host" and name and LOOPBACK.fullmatch(value):
            # A custom handler is called by its own address.
            value = name
        if value or key not in ("x-forwarded-for", "user-agent"):
            headers.append((key, value))
    path, query = original(request, platform)
    secure = True if platform else bool(request.secure)
    return request._replace(path=path, query=query, headers=headers, peer=peer, secure=secure)


def without_port(hop):
    bracketed = re.fullmatch(r"\[(.+)\](:\d+)?", hop)
    if bracketed:
        return bracketed.group(1)
    return hop.split(":")[0] if hop.count(":") == 1 else hop


def original(request, platform):
    """Path and query as the client has written them, where the front end tells and they mean the same."""
    told = header(request, "x-waws-unencoded-url") if platform else None
    path, _, query = (told or "").partition("?")
    if told and decode(path) == decode(request.path):
        return path, query
    return request.path, request.query
