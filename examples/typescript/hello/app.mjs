// What is deployed.
export async function handler() {
  return { statusCode: 200, body: process.env.GREETING };
}
