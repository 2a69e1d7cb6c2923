"""Cross-origin requests. Preflights and the allowed origins are the platform's (the site's CORS settings); what a
function says of CORS is ignored, as on AWS, and what browsers may read is said here."""
from .text import header


def with_cors(cors, request, response):
    if not cors:
        return response
    headers = [(name, value) for name, value in response.headers if not name.startswith("access-control-")]
    origin = header(request, "origin")
    exposed = ",".join(cors.get("expose_headers") or ())
    if origin and exposed and is_allowed(cors, origin):
        headers.append(("access-control-expose-headers", exposed))
    return response._replace(headers=headers)


def is_allowed(cors, origin):
    return any(allowed == "*" or matches(allowed.lower(), origin.lower()) for allowed in cors.get("allow_origins") or ())


def matches(allowed, origin):
    """`https://*` and `http://*` stand for every origin of the scheme."""
    return origin.startswith(allowed[:-1]) if allowed in ("https://*", "http://*") else allowed == origin
