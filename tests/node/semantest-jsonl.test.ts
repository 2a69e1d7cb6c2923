/** Semantest's store as a file: read, and written where it ends. */

import assert from "node:assert/strict";
import { appendFileSync, createReadStream, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

import {
  ApplicationEvent,
  DeploymentRequested,
  envelope,
  fromSemantest,
  InvalidInputError,
  JsonlWriter,
  listen,
  readJsonl,
  StorageError,
  type StoreLine,
  toSemantest,
  toStoreLine,
} from "semantest-iac";

import { OrderPlaced } from "./core-events.js";
import { ended, moduleOf } from "./program.js";
import { all, failure, folder, open } from "./project.js";

const line = (number: number, about: object = {}): string => {
  const event = envelope("Noted", { number }, { id: `e${number}`, time: "2026-01-02T03:04:05Z", ...about });
  return JSON.stringify(toStoreLine(event, { streamPosition: number, globalPosition: number }));
};

const numbersIn = async (source: Parameters<typeof readJsonl>[0], options = {}): Promise<unknown[]> => {
  return (await all(readJsonl(source, options))).map(({ event }) => (event.data as { number?: unknown }).number);
};

/** The file's lines, parsed. */
const linesOf = (path: string): StoreLine[] => {
  const text = readFileSync(path, "utf8");
  assert(text.endsWith("\n"));
  return text.trimEnd().split("\n").map((each) => JSON.parse(each) as StoreLine);
};

const fileIn = (t: TestContext, text: string | Uint8Array = ""): string => {
  const path = join(folder(t), "events.jsonl");
  writeFileSync(path, text);
  return path;
};

test("events are read from a path, a URL, a stream and pieces of text, in order", async (t) => {
  const text = `${[0, 1, 2].map((number) => line(number)).join("\n")}\n`;
  const path = fileIn(t, text);
  const bytes = Buffer.from(text);
  for (const source of [
    path,
    pathToFileURL(path),
    createReadStream(path, { highWaterMark: 7 }),
    Readable.from([text]),
    [text.slice(0, 40), text.slice(40)],
    Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)),
  ]) {
    assert.deepEqual(await numbersIn(source), [0, 1, 2]);
  }
  const [first] = await all(readJsonl(path));
  assert.deepEqual({ ...first, event: undefined }, {
    event: undefined,
    streamPosition: 0,
    globalPosition: 0,
    committedAt: "2026-01-02T03:04:05Z",
    line: 1,
  });
});

test("each line may have any form of an event, and one that says no position has none", async () => {
  const event = envelope("Noted", { number: 1 });
  const lines = [JSON.stringify(event), "", JSON.stringify(toSemantest(event)), `  ${line(3)}\r`, "\t"];
  const read = await all(readJsonl([`\ufeff${lines.join("\n")}`]));
  assert.deepEqual(read.map(({ line, globalPosition }) => [line, globalPosition]), [[1, null], [3, null], [4, 3]]);
});

test("a last line that is still being written is passed over; a whole one without its end is read", async (t) => {
  const whole = `${line(0)}\n${line(1)}`;
  assert.deepEqual(await numbersIn(fileIn(t, whole)), [0, 1]);
  for (let cut = 1; cut < line(1).length; cut += 7) {
    assert.deepEqual(await numbersIn(fileIn(t, whole.slice(0, -cut))), [0]);
  }
  assert.deepEqual(await numbersIn(fileIn(t)), []);
});

test("any other line that is no event is an error with its number", async (t) => {
  for (const [bad, said] of [
    ['{"event":{"eventType', /line 2 is no event: this is no JSON/],
    ["[]", /line 2 is no event: an event is an object/],
    ['{"a":1}', /line 2 is no event: this is no event/],
    ['{"event":{"eventType":7},"globalPosition":0}', /line 2 is no event: the type of an event is text/],
    [`"${"x".repeat(9 * 1024 * 1024)}"`, /line 2 is longer than an event can be/],
    ["\xff", /line 2 is no event/],
  ] as const) {
    const path = fileIn(t, `${line(0)}\n${bad}\n${line(1)}\n`);
    const seen: unknown[] = [];
    const error: any = await failure(
      (async () => {
        for await (const { event } of readJsonl(path)) seen.push(event);
      })(),
    );
    assert(error instanceof InvalidInputError);
    assert.match(error.message, said);
    assert.equal(error.context["line"], "2");
    assert.equal(seen.length, 1);
    const complaints: string[] = [];
    const onBadLine = (complaint: InvalidInputError): void => void complaints.push(complaint.context["line"] ?? "");
    assert.deepEqual(await numbersIn(path, { onBadLine }), [0, 1], "told of, it is passed over");
    assert.deepEqual(complaints, ["2"]);
  }
});

test("no error shows what is in a line", async (t) => {
  const path = fileIn(t, '{"eventType":"A","payload":{"password":"s3cret"\n');
  const error: any = await failure(numbersIn(path));
  assert(!JSON.stringify([error, error.message, error.stack, error.cause?.message]).includes("s3cret"));
});

test("reading ends when it is no longer wanted", async (t) => {
  const path = fileIn(t, `${[0, 1, 2].map((number) => line(number)).join("\n")}\n`);
  const abort = new AbortController();
  abort.abort(new Error("enough"));
  assert.equal(((await failure(numbersIn(path, { signal: abort.signal }))) as Error).message, "enough");
  for await (const { line } of readJsonl(path)) {
    assert.equal(line, 1);
    break;
  }
});

test("reading ends at once while it waits for more", async (t) => {
  const silent = new Readable({ read: () => undefined });
  silent.push(`${line(0)}\n`);
  t.after(() => silent.destroy());
  async function* never(): AsyncGenerator<string> {
    yield `${line(0)}\n`;
    await new Promise(() => undefined);
  }
  for (const source of [silent, never()]) {
    const abort = new AbortController();
    const events = readJsonl(source, { signal: abort.signal });
    assert.equal((await events.next()).value?.line, 1);
    const more = failure(events.next());
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort(new Error("enough"));
    assert.equal(((await more) as Error).message, "enough");
  }
  assert(silent.destroyed);
});

test("reading ends between two lines that came together", async () => {
  const abort = new AbortController();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { line: number } of readJsonl([`${line(0)}\n${line(1)}\n`], { signal: abort.signal })) {
      seen.push(number);
      abort.abort(new Error("enough"));
    }
  })();
  assert.equal(((await failure(reading)) as Error).message, "enough");
  assert.deepEqual(seen, [1]);
});

test("where pieces come from is let go of when reading ends, and its own error comes out", async () => {
  const ends: string[] = [];
  async function* pieces(fails: boolean): AsyncGenerator<string> {
    try {
      yield `${line(0)}\n`;
      if (fails) throw new Error("no more");
      yield `${line(1)}\n`;
    } finally {
      ends.push("let go");
    }
  }
  const { signal } = new AbortController();
  for await (const { line: number } of readJsonl(pieces(false), { signal })) {
    assert.equal(number, 1);
    break;
  }
  assert.deepEqual(ends, ["let go"]);
  assert.equal(((await failure(numbersIn(pieces(true), { signal }))) as Error).message, "no more");
});

test("a file that is not there cannot be read, and is made where it is written", async (t) => {
  const path = join(folder(t), "events.jsonl");
  assert((await failure(numbersIn(path))) instanceof StorageError);
  assert((await failure(numbersIn(3 as never))) instanceof InvalidInputError);
  const store = await JsonlWriter.open(path);
  await store.close();
  assert.deepEqual(await numbersIn(path), []);
  assert((await failure(JsonlWriter.open(join(path, "no-folder")))) instanceof StorageError);
});

test("positions are counted in the file and in each stream, and go on where an existing file ends", async (t) => {
  const path = join(folder(t), "events.jsonl");
  const positions = async (subjects: readonly string[]): Promise<unknown[]> => {
    const store = await JsonlWriter.open(path);
    const written = await Promise.all(subjects.map((subject) => store.append(new ApplicationEvent("Noted", {}, { subject }))));
    await store.close();
    return written.map((each) => [each?.globalPosition, each?.streamPosition, each?.event.aggregateId]);
  };
  assert.deepEqual(await positions(["a", "b", "a"]), [[0, 0, "a"], [1, 0, "b"], [2, 1, "a"]]);
  assert.deepEqual(await positions(["a", "b", "c"]), [[3, 2, "a"], [4, 1, "b"], [5, 0, "c"]]);
  assert.deepEqual(linesOf(path).map(({ globalPosition }) => globalPosition), [0, 1, 2, 3, 4, 5]);
});

test("what is appended is read as the same event", async (t) => {
  const path = join(folder(t), "events.jsonl");
  const store = await JsonlWriter.open(path, { sync: true });
  const events = [
    new DeploymentRequested({ component: "c", configuration: { memory_mb: 512 } }),
    new OrderPlaced(1),
    envelope("com.shop.Noted", { a_b: 'é\u2028"' }, { previous: ["x"] }),
    toSemantest(envelope("Other", {})),
  ];
  for (const event of events) await store.append(event);
  await store.close();
  const read = await all(readJsonl(path));
  assert.deepEqual(read.map(({ event }) => event.id), events.map((event) => fromSemantest(event).id));
  assert.deepEqual(read[2]?.event, events[2]);
});

test("an event that the file has is not appended again, also after it was opened again", async (t) => {
  const path = join(folder(t), "events.jsonl");
  const event = new ApplicationEvent("Noted");
  let store = await JsonlWriter.open(path);
  assert.notEqual(await store.append(event), null);
  assert.equal(await store.append(event), null);
  await store.close();
  store = await JsonlWriter.open(path);
  assert.equal(await store.append(event), null);
  await store.close();
  assert.equal(linesOf(path).length, 1);
});

test("what a crash left of a last line is taken away; a whole line that lacks its end gets it", async (t) => {
  for (const [end, numbers] of [[line(1).slice(0, 50), [0, 2]], [line(1), [0, 1, 2]]] as const) {
    const path = fileIn(t, `${line(0)}\n${end}`);
    const store = await JsonlWriter.open(path);
    const written = await store.append(envelope("Noted", { number: 2 }));
    await store.close();
    assert.equal(written?.globalPosition, numbers.length - 1);
    assert.deepEqual(await numbersIn(path), numbers);
    assert.equal(linesOf(path).length, numbers.length);
  }
});

test("a file that is no store is not written to", async (t) => {
  for (const text of ["hello\n", `${JSON.stringify(envelope("Noted"))}\n`, `${line(0)}\nhello\n${line(1)}\n`]) {
    const path = fileIn(t, text);
    const error: any = await failure(JsonlWriter.open(path));
    assert(error instanceof InvalidInputError);
    assert.match(error.message, /^line \d/);
    assert.equal(readFileSync(path, "utf8"), text);
  }
});

test("what cannot be written is refused, and what comes next is written whole", async (t) => {
  const path = join(folder(t), "events.jsonl");
  const store = await JsonlWriter.open(path);
  for (const wrong of [null, 3, {}, new ApplicationEvent("A", [1]), new OrderPlaced(Number.NaN)]) {
    assert((await failure(store.append(wrong as never))) instanceof InvalidInputError);
  }
  await store.append(new ApplicationEvent("Noted"));
  await store.close();
  await store.close();
  assert.equal(linesOf(path).length, 1);
  assert((await failure(store.append(new ApplicationEvent("Noted")))) instanceof InvalidInputError);
});

test("a disk that is full fails what is appended, and leaves whole lines only", async (t) => {
  const path = join(folder(t), "events.jsonl");
  const program = `
    import { ApplicationEvent, JsonlWriter, StorageError } from ${moduleOf("index.js")};
    const store = await JsonlWriter.open(${JSON.stringify(path)});
    for (let number = 0; ; number += 1) {
      try {
        await store.append(new ApplicationEvent("Noted", { number }));
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        break;
      }
    }
    await store.close();`;
  // A limit of the shell's takes the place of a disk: what would go beyond it is not written.
  const limited = `trap "" XFSZ; ulimit -f 16; exec "$0" --input-type=module --eval "$1"`;
  ended(0, ["sh", "-c", limited, process.execPath, program]);
  const written = linesOf(path);
  assert.notEqual(written.length, 0);
  assert.deepEqual(written.map(({ globalPosition }) => globalPosition), written.map((_, at) => at));
  const store = await JsonlWriter.open(path);
  assert.equal((await store.append(new ApplicationEvent("Noted")))?.globalPosition, written.length);
  await store.close();
});

test("what a deployment records can be kept as Semantest keeps it, with its causes", async (t) => {
  const iac = await open(t);
  const path = join(folder(t), "events.jsonl");
  const store = await JsonlWriter.open(path);
  iac.subscribe((event) => store.append(event).then(() => undefined));
  iac.include(listen("Start")(() => new DeploymentRequested({ component: "rest-api" })));
  const start = new ApplicationEvent("Start", {}, { correlationId: "story" });
  await iac.publish(start);
  await iac.destroy("rest-api");
  await store.close();
  const kept = await all(readJsonl(path));
  const recorded = await all(iac.events());
  assert.deepEqual(kept.map(({ event }) => event.id), recorded.map(({ eventId }) => eventId));
  for (const [at, { event }] of kept.entries()) {
    const { causationId, correlationId, previousEventIds, data } = recorded[at]!;
    assert.deepEqual([event.causationid ?? null, event.correlationid], [causationId, correlationId]);
    assert.deepEqual(event.previouseventids?.split(",") ?? [], previousEventIds);
    assert.deepEqual(event.data, data);
  }
  const streams = linesOf(path).filter(({ event }) => event.aggregateId === "shop/dev/rest-api");
  assert.deepEqual(streams.map(({ streamPosition }) => streamPosition), streams.map((_, at) => at));
  appendFileSync(path, "{");
  assert.equal((await all(readJsonl(path))).length, kept.length);
});
