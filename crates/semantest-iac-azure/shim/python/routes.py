"""Which route answers: API Gateway's precedence for HTTP APIs. A full match before a `{proxy+}`, `$default` last;
within a path, the method before `ANY`."""
from .text import decode, ordered


def best(routes, method, path):
    """The best route for a request and its parameters, or nothing; `path` still percent-encoded."""
    segments = split(path)
    chosen = None
    for route in routes:
        matched = match(route["route_key"], method, segments)
        if matched and (chosen is None or matched[0] >= chosen[0]):
            chosen = (*matched, route)
    return chosen and (chosen[2], ordered(chosen[1]))


def match(key, method, segments):
    wanted, space, pattern = key.partition(" ")
    if not space:
        return ((False, [], False), {}) if key == "$default" else None
    if wanted not in ("ANY", method):
        return None
    pattern = split(pattern)
    parameters, ranks = {}, []
    found = ((True, ranks, wanted != "ANY"), parameters)
    for at, part in enumerate(pattern):
        segment = segments[at] if at < len(segments) else None
        name = part[1:-1] if part.startswith("{") and part.endswith("}") else None
        if name is not None and name.endswith("+"):
            rest = segments[at:]
            # It stands for something: `/{proxy+}` is not the route of `/`.
            if not any(rest):
                return None
            parameters[name[:-1]] = decode("/".join(rest))
            ranks.append(0)
            return found
        if name is not None:
            if not segment:
                return None
            parameters[name] = decode(segment)
            ranks.append(1)
        else:
            if segment is None or decode(segment) != part:
                return None
            ranks.append(2)
    return found if len(pattern) == len(segments) else None


def split(path):
    return path.removeprefix("/").split("/")
