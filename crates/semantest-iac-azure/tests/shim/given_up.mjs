// Asks a packaged function with more patience and with less; prints what was answered, and what the function did.
//
// usage: node given_up.mjs <folder of the package>
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const part = (name) => import(pathToFileURL(resolve(process.argv[2], "semantest", name)));
const { Runtime } = await part("pool.mjs");
const { readDefinition } = await part("definition.mjs");

const definition = readDefinition();
const runtime = new Runtime(definition, process.env, {});
const role = definition.functions[0].role;
const lines = [];
const ask = async (word, milliseconds) => {
  const log = (line) => lines.push(JSON.parse(line).message.split("\t").pop());
  return (await runtime.invoke(role, JSON.stringify({ word }), { log, milliseconds }))?.payload.toString() ?? null;
};
// Nobody waits for the first by the time its process has started.
const answered = await Promise.all([ask("given up", 1), ask("first"), ask("second", 60_000)]);
answered.push(await ask("last"));
// What a function prints may come after its answer.
while (!lines.includes("began last")) await new Promise((done) => setTimeout(done, 10));
console.log(JSON.stringify({ answered, lines: lines.sort() }));
process.exit(0);
