// Cross-origin requests. Preflights and the allowed origins are the platform's (the site's CORS settings); what a
// function says of CORS is ignored, as on AWS, and what browsers may read is said here.
export function withCors(cors, request, response) {
  if (!cors) return response;
  const headers = response.headers.filter(([name]) => !name.startsWith("access-control-"));
  const origin = request.headers.find(([name]) => name === "origin")?.[1];
  const exposed = (cors.expose_headers ?? []).join(",");
  if (origin && exposed && isAllowed(cors, origin)) headers.push(["access-control-expose-headers", exposed]);
  return { ...response, headers };
}

const isAllowed = (cors, origin) => (cors.allow_origins ?? []).some((allowed) => allowed === "*" || matches(allowed, origin));

// `https://*` and `http://*` stand for every origin of the scheme.
function matches(allowed, origin) {
  const [one, other] = [allowed.toLowerCase(), origin.toLowerCase()];
  return one === "https://*" || one === "http://*" ? other.startsWith(one.slice(0, -1)) : one === other;
}
