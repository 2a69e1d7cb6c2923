// Worker threads: each has a queue of its own; all share one set of native threads.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { DeployedProject } from "./deployed-project.js";
import { EVENT } from "./native.js";
import { moduleOf, run } from "./program.js";
import { folder } from "./project.js";

/** Runs `main` with `start(way, data)`, which starts a worker that does `worker`; both as modules of one program. */
function program(t: TestContext, main: string, worker: string): string {
  const file = join(folder(t), "program.mjs");
  writeFileSync(
    file,
    `
    import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
    const EVENT = ${JSON.stringify(EVENT)};
    const load = async () => {
      const { bridge, deliverRepeatedly } = await import(${moduleOf("internals.js")});
      const b = bridge();
      const serve = (answer) => b.serve(answer, (thrown) => ({ message: String(thrown) }));
      const deliver = (target, times = 1, atOnce = 1) =>
        b.ask((call) => deliverRepeatedly(b.native, call, target, EVENT, times, atOnce));
      return { b, serve, deliver };
    };
    // How a worker ended: its exit code, its error, and what it said on the way.
    const start = (data, terminateAt) => new Promise((resolve) => {
      const ended = { said: [], error: null };
      const worker = new Worker(new URL(import.meta.url), { workerData: data });
      worker.on("message", (message) => {
        ended.said.push(message);
        if (message === terminateAt) worker.terminate();
      });
      worker.on("error", (error) => { ended.error = error.message; });
      worker.on("exit", (code) => resolve({ ...ended, code }));
    });
    if (isMainThread) {
      ${main}
      console.log("came to its end");
    } else {
      const say = (message) => parentPort.postMessage(message);
      ${worker}
    }
  `,
  );
  const ran = run([process.execPath, file]);
  assert.deepEqual([ran.code, ran.signal, ran.stderr], [0, null, ""], JSON.stringify(ran));
  assert.ok(ran.stdout.endsWith("came to its end\n"), JSON.stringify(ran));
  return ran.stdout;
}

test("threads have targets of their own, and call each by its own numbers", (t) => {
  program(
    t,
    `
    const { serve, deliver } = await load();
    let mine = 0;
    const workers = Promise.all([1, 2, 3].map((each) => start(each)));
    await deliver(serve(async () => { mine += 1; }), 500, 8);
    for (const { code, said } of await workers) if (code !== 0 || said.join() !== "500") throw new Error(said.join());
    if (mine !== 500) throw new Error(String(mine));
    `,
    `
    const { serve, deliver } = await load();
    let mine = 0;
    await deliver(serve(async () => { mine += 1; }), 500, 8);
    say(mine);
    `,
  );
});

test("the native module may be in use by workers only, one after the other", (t) => {
  program(
    t,
    `
    for (let each = 0; each < 5; each += 1) {
      const { code, error } = await start(each);
      if (code !== 0) throw new Error(error);
    }
    `,
    `const { serve, deliver } = await load(); await deliver(serve(() => null), 10, 2);`,
  );
});

test("a worker that is terminated in the middle of anything takes nobody with it", (t) => {
  program(
    t,
    `
    for (const way of ["busy", "waiting", "often", "later"]) {
      for (let each = 0; each < 5; each += 1) {
        const { code, error } = await start(way, "now");
        if (code !== 1 || error !== null) throw new Error([way, code, error].join());
      }
    }
    const { serve, deliver } = await load();
    await deliver(serve(() => null), 10, 2);
    `,
    `
    const { serve, deliver } = await load();
    let times = 0;
    const now = () => { times += 1; if (times === 100) say("now"); };
    const ways = {
      busy: () => { say("now"); for (;;); },
      waiting: () => { if (times++ === 0) say("now"); return new Promise(() => {}); },
      often: now,
      later: async () => { now(); await null; },
    };
    await deliver(serve(ways[workerData]), 1e8, 64);
    `,
  );
});

test("a worker that exits or fails in a handler ends as it says", (t) => {
  program(
    t,
    `
    const exited = await start("exit");
    const failed = await start("fail");
    if (exited.code !== 3 || failed.code !== 1 || failed.error !== "out") throw new Error(JSON.stringify([exited, failed]));
    `,
    `
    const { serve, deliver } = await load();
    let times = 0;
    const ways = {
      exit: () => { if (times++ === 100) process.exit(3); },
      fail: () => { if (times++ === 100) setImmediate(() => { throw new Error("out"); }); },
    };
    await deliver(serve(ways[workerData]), 1e8, 64);
    `,
  );
});

test("a worker that runs out of memory takes nobody with it", (t) => {
  program(
    t,
    `
    const resourceLimits = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 };
    const worker = new Worker(new URL(import.meta.url), { resourceLimits });
    const code = await new Promise((resolve) => worker.on("error", (error) => resolve(error.code)));
    if (code !== "ERR_WORKER_OUT_OF_MEMORY") throw new Error(code);
    `,
    `
    const { serve, deliver } = await load();
    const kept = [];
    await deliver(serve((event) => { kept.push(JSON.parse(event), new Array(1000).fill(event)); }), 1e8, 64);
    `,
  );
});

test("the process may exit while workers are at work", (t) => {
  program(
    t,
    `
    for (const each of [1, 2, 3]) start(each);
    const { serve, deliver } = await load();
    await deliver(serve(() => null), 200, 4);
    setImmediate(() => process.exit());
    `,
    `
    const { serve, deliver } = await load();
    await deliver(serve(() => null), 1e8, 64);
    `,
  );
});

test("a project is open in several threads at once, and each hears what it does itself", (t) => {
  const project = new DeployedProject(t);
  project.add("orders");
  const deploy = (component: string): string => `
    const { Iac, FunctionDeployed, listen } = await import(${moduleOf("index.js")});
    const iac = await Iac.open(${JSON.stringify(project.folder)});
    const heard = [];
    iac.include(listen(FunctionDeployed)((event) => { heard.push(event.functionName); }));
    const boom = new Error("boom");
    iac.include(listen(FunctionDeployed)(() => { throw boom; }));
    const error = await iac.deploy(${component}).catch((error) => error);
    if (error.cause !== boom) throw error;
    await iac.close();`;
  program(
    t,
    `
    const worker = start("orders");
    ${deploy('"rest-api"')}
    if (heard.join() !== "shop-dev-rest-api") throw new Error(heard.join());
    const ended = await worker;
    if (ended.said.join() !== "shop-dev-orders") throw new Error(JSON.stringify(ended));
    `,
    `
    ${deploy("workerData")}
    say(heard.join());
    `,
  );
  const statuses = project.json(["status"]).deployments.map((each: any) => each.status);
  assert.deepEqual(statuses, ["deployed", "deployed"]);
});
