"use strict";
// $connect: whoever gives a token may come in.
exports.handler = async (event) => {
  const token = event.queryStringParameters?.token;
  console.log(`connect ${event.requestContext.connectionId} ${token ? "with" : "without"} a token`);
  return { statusCode: token === "" ? 403 : 200 };
};
