// A debugger of Node.js: sets a breakpoint, waits until it is hit, evaluates in the frame, and goes on.
//
// Arguments: the WebSocket address, the end of the file's name, a line (from 1), an expression, how long to stay at the
// breakpoint in milliseconds. Prints `set` once the breakpoint is, then what it found, as JSON.
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";

const [url, file, line, expression, stay] = process.argv.slice(-5);
const socket = new WebSocket(url);
await new Promise((done, failed) => socket.on("open", done).on("error", failed));
let last = 0;
const answers = new Map();
const scripts = new Map();
const paused = new Promise((done) => {
  socket.on("message", (text) => {
    const message = JSON.parse(text);
    answers.get(message.id)?.(message.result ?? message);
    if (message.method === "Debugger.scriptParsed") scripts.set(message.params.scriptId, message.params.url);
    if (message.method === "Debugger.paused") done(message.params);
  });
});
function call(method, params = {}) {
  const id = (last += 1);
  socket.send(JSON.stringify({ id, method, params }));
  return new Promise((done) => answers.set(id, done));
}

await call("Runtime.enable");
await call("Debugger.enable");
const urlRegex = `.*${file.replace(/[.]/g, "\\.")}$`;
await call("Debugger.setBreakpointByUrl", { urlRegex, lineNumber: Number(line) - 1 });
// Where the process waits for a debugger.
await call("Runtime.runIfWaitingForDebugger");
console.log("set");
const { callFrames } = await paused;
const { callFrameId, location } = callFrames[0];
const place = scripts.get(location.scriptId);
const { result } = await call("Debugger.evaluateOnCallFrame", { callFrameId, expression, returnByValue: true });
await sleep(Number(stay));
console.log(JSON.stringify({ place, line: location.lineNumber + 1, value: result.value }));
await call("Debugger.resume");
socket.close();
