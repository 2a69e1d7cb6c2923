"use strict";
// $default: every message is answered through the management API of the connection.
exports.handler = async (event) => {
  const { connectionId, domainName, stage } = event.requestContext;
  console.log(`message from ${connectionId}: ${event.body}`);
  await send(`https://${domainName}/${stage}`, connectionId, JSON.stringify({ echo: event.body }));
  return { statusCode: 200 };
};

async function send(endpoint, connectionId, data) {
  // AWS's Node runtimes bring the SDK; on this machine the endpoint takes unsigned calls.
  const sdk = await import("@aws-sdk/client-apigatewaymanagementapi").catch(() => undefined);
  if (sdk) {
    const client = new sdk.ApiGatewayManagementApiClient({ endpoint });
    await client.send(new sdk.PostToConnectionCommand({ ConnectionId: connectionId, Data: data }));
    return;
  }
  const answer = await fetch(`${endpoint}/@connections/${encodeURIComponent(connectionId)}`, { method: "POST", body: data });
  if (!answer.ok) throw new Error(`the message was not delivered: ${answer.status}`);
}
