//! What is measured: the least that a handler can do, the same for everybody.

/// Answers at once.
pub const PYTHON: &str = r#"import json

def handler(event, context):
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps({"status": "ok"})}
"#;

/// Answers at once.
pub const NODE: &str = r#"exports.handler = async () => ({
  statusCode: 200, headers: { "content-type": "application/json" }, body: JSON.stringify({ status: "ok" }),
});
"#;

/// Sends every message back through `@connections`, over a kept connection. serverless-offline is not where its events say
/// (`domainName` has no port): there a variable tells, which is what its users do.
pub const CHAT: &str = r#"const { Agent, request } = require("node:http");
const agent = new Agent({ keepAlive: true });
exports.handler = async ({ body, requestContext: { routeKey, domainName, stage, connectionId } }) => {
  if (routeKey !== "$default") return { statusCode: 200 };
  const base = process.env.CONNECTIONS || `http://${domainName}/${stage}`;
  await new Promise((done, fail) => {
    const url = `${base}/@connections/${encodeURIComponent(connectionId)}`;
    const sent = request(url, { method: "POST", agent }, (answer) => answer.resume().on("end", done));
    sent.on("error", fail).end(body);
  });
  return { statusCode: 200 };
};
"#;
