// Microsoft's validator of live calls (oav) judges what went between the program and the simulated Azure, both ways:
//   node judge.mjs <folder of specifications> <folder of calls, *.jsonl>
// Prints one JSON object: how many calls were judged, what no specification describes, and every violation.
import { createRequire } from "node:module";
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";

const tools = process.env.SEMANTEST_TOOLS ? join(process.env.SEMANTEST_TOOLS, "judge/") : import.meta.url;
const require = createRequire(tools);
require("oav/dist/lib/util/logging.js").log.consoleLogLevel = "off";
const { LiveValidator } = require("oav/dist/lib/liveValidation/liveValidator.js");

const [specifications, folder] = process.argv.slice(2).map((path) => resolve(path));
const validator = new LiveValidator({
  git: { shouldClone: false },
  directory: specifications,
  swaggerPathsPattern: ["specification/*/resource-manager/*/stable/*/*.json"],
  isPathCaseSensitive: false,
  loadValidatorInBackground: false,
  loadValidatorInInitialize: true,
}, () => {});
await validator.initialize();

const seen = new Map();
const counts = { calls: 0, judged: 0, polls: 0, unanswered: 0, refusals: 0 };
const undescribed = new Set();

function judge(call, file, errors, side) {
  for (const error of errors) {
    const path = error.pathsInPayload?.join(" ") || error.jsonPathsInPayload?.join(" ") || "";
    const text = `${side} ${call.liveRequest.method} ${named(call)} ${error.code} ${path}: ${error.message}`;
    const known = seen.get(text) ?? { violation: text, count: 0, file };
    known.count += 1;
    seen.set(text, known);
  }
}

// Without names and numbers: the same mistake is told once.
const named = (call) => {
  const parts = new URL(call.liveRequest.url).pathname.split("/").filter(Boolean);
  const at = parts.map((part) => part.toLowerCase()).lastIndexOf("providers");
  return at < 0 ? parts.filter((_, i) => i % 2 === 0).join("/") : parts.slice(at + 1).filter((_, i) => i === 0 || i % 2 === 1).join("/");
};

for (const file of readdirSync(folder).filter((name) => name.endsWith(".jsonl")).sort()) {
  for (const line of readFileSync(join(folder, file), "utf8").split("\n").filter(Boolean)) {
    const call = JSON.parse(line);
    counts.calls += 1;
    if (call.poll) { counts.polls += 1; continue; }
    if (call.liveResponse.statusCode === "0") { counts.unanswered += 1; continue; }
    for (const half of [call.liveRequest, call.liveResponse]) if (half.body === null) delete half.body;
    const refused = Number(call.liveResponse.statusCode) >= 400;
    const { info, error } = validator.getOperationInfo(call.liveRequest);
    if (error) { undescribed.add(`${call.liveRequest.method} ${named(call)} (${error.code})`); continue; }
    counts.judged += 1;
    const asked = await validator.validateLiveRequest(call.liveRequest, {}, info);
    judge(call, file, asked.runtimeException ? [asked.runtimeException] : asked.errors, "request");
    if (refused) {
      // Most descriptions leave refusals out; all of Azure's have one form.
      counts.refusals += 1;
      if (!call.liveResponse.body?.error?.code) judge(call, file, [{ code: "ERROR_FORM", message: "no error.code" }], "answer");
      continue;
    }
    const spec = { url: call.liveRequest.url, method: call.liveRequest.method };
    const told = await validator.validateLiveResponse(call.liveResponse, spec, {}, info);
    judge(call, file, told.runtimeException ? [told.runtimeException] : told.errors, "answer");
  }
}
const violations = [...seen.values()];
console.log(JSON.stringify({ ...counts, undescribed: [...undescribed].sort(), violations }, null, 1));
process.exit(violations.length ? 1 : 0);
