"use strict";
// $disconnect
exports.handler = async (event) => {
  const { connectionId, disconnectStatusCode } = event.requestContext;
  console.log(`disconnect ${connectionId} (${disconnectStatusCode})`);
  return { statusCode: 200 };
};
