// What handlers do, and what can go wrong with them, each under its name.
class Odd extends Error {
  constructor(message) {
    super(message);
    this.name = "OddError";
    this.code = "E_ODD";
    this.detail = { a: [1, 2] };
  }
}
class Unnamed extends RangeError {}

const thrown = (error) => { throw error; };
const later = (value, ms = 20) => new Promise((done) => setTimeout(done, ms, value));
const wait = () => later(undefined, 5_000);
const circular = () => { const ring = { name: "ring" }; ring.self = ring; return ring; };
const stackless = (error) => Object.assign(error, { stack: undefined });

// Async: what they return is the answer.
const answers = {
  text: () => "plain é € 😀 \u2028 \u0000 \u007f \"quoted\" \\ /",
  surrogate: () => "\ud800",
  nothing: () => undefined,
  null: () => null,
  true: () => true,
  zero: () => -0,
  empty: () => ({}),
  "empty text": () => "",
  "large number": () => 2 ** 70,
  fractions: () => [0.1, 1e22, 1e-7, 1.0, 123456789.123456789],
  "not a number": () => [NaN, Infinity, -Infinity],
  "big integer": () => 1n,
  "big integer inside": () => ({ a: [1n] }),
  function: () => () => 1,
  symbol: () => Symbol("s"),
  "left out": () => ({ a: undefined, b: () => 1, c: Symbol("c"), d: [undefined, () => 1] }),
  date: () => new Date(0),
  "no date": () => new Date(NaN),
  map: () => new Map([[1, 2]]),
  set: () => new Set([1]),
  buffer: () => Buffer.from("ab"),
  bytes: () => new Uint8Array([1, 2]),
  error: () => new Error("an answer"),
  expression: () => /x/g,
  "to JSON": () => ({ toJSON: () => ({ made: true }) }),
  "to JSON that fails": () => ({ toJSON: () => thrown(new Error("no JSON")) }),
  getter: () => ({ get a() { return thrown(new Error("no value")); } }),
  circular,
  proxy: () => new Proxy({ a: 1 }, {}),
  order: () => ({ b: 1, a: 2, 10: 3, 2: 4 }),
  promise: () => later("later"),
  "promise of a promise": () => later(later("twice")),
  thenable: () => ({ then: (done) => done("then") }),
  event: (event) => event,

  fails: () => thrown(new Error("bad")),
  "fails without words": () => thrown(new Error()),
  "fails by a type": () => null.absent,
  "fails in several lines": () => thrown(new Error("first\nsecond\n  third")),
  "fails in unicode": () => thrown(new Error("é € 😀")),
  "fails by a class": () => thrown(new Odd("odd")),
  "fails by a class without a name": () => thrown(new Unnamed("unnamed")),
  "fails with a cause": () => thrown(new Error("outer", { cause: new TypeError("inner") })),
  "fails with a cause that is data": () => thrown(new Error("outer", { cause: { code: 5 } })),
  "fails with several": () => thrown(new AggregateError([new Error("a"), new TypeError("b")], "several")),
  "fails with more": () => thrown(Object.assign(new Error("more"), { code: "E_MORE", retry: true, nested: new Error("n") })),
  "fails with a ring": () => thrown(Object.assign(new Error("ring"), { ring: circular() })),
  "fails with a big integer": () => thrown(Object.assign(new Error("big"), { big: 1n })),
  "fails without a stack": () => thrown(stackless(new Error("no stack"))),
  "fails with a stack that is a number": () => thrown(Object.assign(new Error("number"), { stack: 5 })),
  "fails with a name that is empty": () => thrown(Object.assign(new Error("no name"), { name: "" })),
  "fails with text": () => thrown("only text"),
  "fails with empty text": () => thrown(""),
  "fails with a number": () => thrown(5),
  "fails with nothing": () => thrown(undefined),
  "fails with null": () => thrown(null),
  "fails with false": () => thrown(false),
  "fails with data": () => thrown({ message: "data", code: 5 }),
  "fails with what looks like an error": () => thrown({ name: "Like", message: "an error", stack: "Like: an error\n    at nowhere" }),
  "fails with a list": () => thrown([1, "a"]),
  "fails with a big integer alone": () => thrown(1n),
  "fails with a symbol": () => thrown(Symbol("s")),
  "fails with a function": () => thrown(function named() {}),
  "fails with no prototype": () => thrown(Object.create(null)),
  "fails by a file": () => require("node:fs").readFileSync("/nothing/of/that/name"),
  "fails by JSON": () => JSON.parse("{bad"),
  "fails by decoding": () => decodeURIComponent("%"),
  "fails deep": () => { const deep = () => deep() + 1; try { deep(); } catch (error) { return error.name; } },
  "fails by an assertion": () => require("node:assert").equal(1, 2),

  "rejected by nobody": async () => { Promise.reject(new Error("nobody waits")); await wait(); },
  "rejected by nobody with text": async () => { Promise.reject("only text"); await wait(); },
  "rejected by nobody with nothing": async () => { Promise.reject(); await wait(); },
  "rejected by nobody with data": async () => { Promise.reject({ a: 1 }); await wait(); },
  "thrown later": async () => { setTimeout(() => thrown(new Odd("later"))); await wait(); },
  "thrown later as text": async () => { setTimeout(() => thrown("only text")); await wait(); },
  never: () => new Promise(() => {}),
  exits: async () => process.exit(3),

  prints: () => { console.log("one %s and %d %j %o", "text", 1.5, { a: 1 }, [1]); },
  "prints objects": () => { console.log({ a: { b: { c: { d: 1 } } } }, [1, "x"], new Map([[1, 2]]), Symbol("s"), 1n, null, undefined); },
  "prints an error": () => { console.log(Object.assign(new Error("printed"), { stack: "Error: printed\n    at here" })); },
  "prints an error after words": () => { console.error("words:", Object.assign(new Odd("printed"), { stack: "OddError: printed" })); },
  "prints nothing": () => { console.log(); },
  "prints lines": () => { console.log("a\nb\n\nc"); },
  "prints at all levels": () => { for (const level of ["trace", "debug", "info", "log", "warn", "error"]) console[level](level); },
  "prints unicode": () => { console.log("é € 😀"); },
  "writes to both": () => { process.stdout.write("out\n"); process.stderr.write("err\n"); },
  "prints tables": () => { console.table([{ a: 1 }]); },
  "prints a percent": () => { console.log("100%", "%s", "5%d"); },

  context: (event, context) => Object.keys(context),
  "context values": (event, context) => JSON.parse(JSON.stringify({ ...context, awsRequestId: context.awsRequestId })),
  "context types": (event, context) => Object.fromEntries(Object.entries(context).map(([key, value]) => [key, typeof value])),
  remaining: (event, context) => [typeof context.getRemainingTimeInMillis(), context.getRemainingTimeInMillis() > 0],
  trace: () => process.env._X_AMZN_TRACE_ID,
  folder: () => [process.cwd() === process.env.LAMBDA_TASK_ROOT, __dirname === process.env.LAMBDA_TASK_ROOT],
  arguments: (...given) => given.length,
};

// Not async: what they call is the answer (before Node 24).
const calls = {
  "calls back": (event, context, callback) => callback(null, { called: true }),
  "calls back later": (event, context, callback) => { setTimeout(callback, 20, null, "later"); },
  "calls back with an error": (event, context, callback) => callback(new Odd("called")),
  "calls back with text": (event, context, callback) => callback("only text"),
  "calls back with nothing": (event, context, callback) => callback(),
  "calls back with undefined": (event, context, callback) => callback(undefined, undefined),
  "calls back with zero": (event, context, callback) => callback(0, "zero"),
  "calls back with empty text": (event, context, callback) => callback("", "empty"),
  "calls back with false": (event, context, callback) => callback(false, "false"),
  "calls back twice": (event, context, callback) => { callback(null, "first"); callback(null, "second"); },
  "calls back with a ring": (event, context, callback) => callback(null, circular()),
  "calls back and waits": (event, context, callback) => { const state = { drained: false }; setTimeout(() => { state.drained = true; }, 50); callback(null, state); },
  "calls back and leaves": (event, context, callback) => { context.callbackWaitsForEmptyEventLoop = false; setTimeout(() => {}, 300); callback(null, "left"); },
  "throws at once": () => thrown(new Error("at once")),
  "throws text at once": () => thrown("only text"),
  "does nothing": () => {},
  "does nothing for a while": () => { setTimeout(() => {}, 30); },
  succeeds: (event, context) => { context.succeed("succeeded"); },
  "fails by the context": (event, context) => { context.fail(new Odd("failed")); },
  "fails by the context with nothing": (event, context) => { context.fail(); },
  "is done": (event, context) => { context.done(null, "done"); },
  "is done with an error": (event, context) => { context.done(new Odd("done")); },
};

exports.handler = (event, context, ...rest) => {
  const act = event?.act;
  if (calls[act]) return calls[act](event, context, ...rest);
  return (async () => (answers[act] ?? answers.event)(event, context, ...rest))();
};
exports.names = { answers: Object.keys(answers), calls: Object.keys(calls) };
