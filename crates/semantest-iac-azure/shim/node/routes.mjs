// Which route answers: API Gateway's precedence for HTTP APIs. A full match before a `{proxy+}`, `$default` last;
// within a path, the method before `ANY`.
import { decode, sorted } from "./text.mjs";

// The best route for a request: {route, parameters}; `path` still percent-encoded.
export function best(routes, method, path) {
  const segments = split(path);
  let chosen;
  for (const route of routes) {
    const matched = match(route.route_key, method, segments);
    if (matched && (!chosen || compare(matched.rank, chosen.rank) >= 0)) chosen = { route, ...matched };
  }
  return chosen && { route: chosen.route, parameters: sorted(Object.entries(chosen.parameters)) };
}

function match(key, method, segments) {
  const space = key.indexOf(" ");
  if (space < 0) return key === "$default" ? { rank: [0, [], 0], parameters: {} } : undefined;
  const [wanted, pattern] = [key.slice(0, space), split(key.slice(space + 1))];
  if (wanted !== "ANY" && wanted !== method) return undefined;
  const [parameters, ranks] = [{}, []];
  const found = () => ({ rank: [1, ranks, wanted === "ANY" ? 0 : 1], parameters });
  for (const [at, part] of pattern.entries()) {
    const name = /^\{(.*)\}$/.exec(part)?.[1];
    if (name?.endsWith("+")) {
      const rest = segments.slice(at);
      // It stands for something: `/{proxy+}` is not the route of `/`.
      if (!rest.some(Boolean)) return undefined;
      parameters[name.slice(0, -1)] = decode(rest.join("/"));
      ranks.push(0);
      return found();
    }
    const segment = segments[at];
    if (name !== undefined) {
      if (!segment) return undefined;
      parameters[name] = decode(segment);
      ranks.push(1);
    } else {
      if (segment === undefined || decode(segment) !== part) return undefined;
      ranks.push(2);
    }
  }
  return pattern.length === segments.length ? found() : undefined;
}

const split = (path) => path.replace(/^\//, "").split("/");

function compare(one, other) {
  if (one[0] !== other[0]) return one[0] - other[0];
  for (let at = 0; at < Math.max(one[1].length, other[1].length); at += 1) {
    const difference = (one[1][at] ?? -1) - (other[1][at] ?? -1);
    if (difference) return difference;
  }
  return one[2] - other[2];
}
