// Stands in for the part of aws-lambda-ric that is C++ (`rapid-client.node`, which takes minutes to compile): how its requests
// are sent. What runs handlers, and decides what is sent and logged, is AWS's JavaScript, unchanged.
const { execFileSync } = require("node:child_process");
const { get } = require("node:http");
const Module = require("node:module");

const base = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;

const next = () => new Promise((resolve, reject) => {
  const asked = get(`${base}/next`, (answer) => {
    let bodyJson = "";
    const { headers } = answer;
    headers["lambda-runtime-deadline-ms"] = Number(headers["lambda-runtime-deadline-ms"]);
    answer.setEncoding("utf8").on("data", (text) => (bodyJson += text)).on("end", () => resolve({ bodyJson, headers }));
  });
  asked.on("error", () => process.exit(0));
});

// As the C++ does, the whole process waits for it.
const post = (path, body) => execFileSync(
  "curl",
  ["--silent", "--header", "content-type: application/json", "--header", "expect:", "--data-binary", "@-", `${base}/${path}`],
  { input: body },
);

const client = {
  initializeUserAgent() {},
  next,
  done: (id, body) => post(`${id}/response`, body),
  error: (id, body) => post(`${id}/error`, body),
};

const load = Module._load;
Module._load = function (name, ...rest) {
  return name.endsWith("rapid-client.node") || name.endsWith("rapid-client") ? client : load.call(this, name, ...rest);
};
