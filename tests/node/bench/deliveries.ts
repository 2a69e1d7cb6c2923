/** Ways to have a handler in JavaScript handle an event of 1 KB; each handler reads two fields of it. */

import { EventEmitter } from "node:events";

import { EnvironmentConfigured, FunctionDeployed, listen } from "semantest-iac";

import { internals } from "../program.js";
import type { Way } from "./measure.js";

const { deliverer, deliverRepeatedly, explained, listenersOf, wire } = internals;
const bridge = internals.bridge();

/** Events of a round, by how much one costs. */
const CROSSINGS = 3000;
const TURNS = 20_000;
const CALLS = 300_000;

const ABOUT = {
  source: "/semantest-iac/shop",
  subject: "shop/production/orders",
  correlationId: "01981c3e-0000-7000-8000-000000000001",
  causationId: "01981c3e-0000-7000-8000-000000000002",
  previousEventIds: ["01981c3e-0000-7000-8000-000000000002"],
};

/** Fields of text. */
export const FLAT = new FunctionDeployed(
  {
    functionName: "shop-production-orders-checkout",
    arn: "arn:aws:lambda:eu-west-1:123456789012:function:shop-production-orders-checkout:live",
    endpoint: `https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/production/${"x".repeat(200)}`,
    component: "orders",
    environment: "production",
    provider: "aws",
  },
  ABOUT,
);

const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];

/** Fields that are tables. */
export const NESTED = new EnvironmentConfigured(
  {
    component: "orders",
    environment: "production",
    variables: Object.fromEntries(
      EIGHT.map((n) => [`VARIABLE_${n}`, n % 2 === 1 ? { secret: `env:SECRET_${n}` } : `value-${n}`]),
    ),
    tags: Object.fromEntries(EIGHT.map((n) => [`team-${n}`, `owner-${n}`])),
  },
  ABOUT,
);

function seen(...fields: unknown[]): void {
  if (!fields.every(Boolean)) throw new Error("a field is missing");
}

const handle = listen(FunctionDeployed)(async (event: FunctionDeployed) => seen(event.functionName, event.component));
const handleNow = listen(FunctionDeployed)((event: FunctionDeployed) => seen(event.functionName, event.component));
const handleNested = listen(EnvironmentConfigured)(async (event: EnvironmentConfigured) => seen(event.variables, event.tags));

/** As a project has its handlers called. */
function ours(handler: unknown, event: FunctionDeployed | EnvironmentConfigured, atOnce: number): Way["run"] {
  const [listener] = listenersOf(handler);
  const unpublished = (): never => {
    throw new Error("no handler returns anything here");
  };
  const target = bridge.serve(deliverer(listener, listener.marks[0], unpublished), explained(listener.name));
  const text = JSON.stringify(event.toCloudEvent());
  return (times) => bridge.ask((call: number) => deliverRepeatedly(bridge.native, call, target, text, times, atOnce));
}

/** What of `await iac.publish(event)` is the crossing: the event is written, read in Rust, and its end told. Nothing is recorded. */
async function publishing(times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const { text } = wire(FLAT) as { text: string };
    await bridge.ask((call: number) => deliverRepeatedly(bridge.native, call, 0, text, 0, 1));
  }
}

async function publishingAtOnce(atOnce: number, times: number): Promise<void> {
  await Promise.all(Array.from({ length: atOnce }, () => publishing(Math.floor(times / atOnce))));
}

/** The same event in a program that has nothing but JavaScript. */
const PLAIN = { eventId: FLAT.eventId, functionName: FLAT.functionName, component: FLAT.component, arn: FLAT.arn };

async function called(times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) await handle(PLAIN as FunctionDeployed);
}

async function emitted(times: number): Promise<void> {
  const emitter = new EventEmitter();
  emitter.on("deployed", (event: FunctionDeployed) => seen(event.functionName, event.component));
  for (let n = 0; n < times; n += 1) emitter.emit("deployed", PLAIN);
}

/** A turn of the event loop for each event: what comes from elsewhere needs at least that. */
async function turned(times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    await handle(PLAIN as FunctionDeployed);
  }
}

/** All of them: ours, and JavaScript alone. */
export function ways(): Way[] {
  const found: Way[] = [
    { name: "EventEmitter.emit", run: emitted, times: CALLS },
    { name: "await handler(event)", run: called, times: CALLS },
    { name: "a turn of the loop each", run: turned, times: TURNS },
  ];
  for (const atOnce of [1, 64]) {
    found.push(
      { name: `ours async ${atOnce}`, run: ours(handle, FLAT, atOnce), times: CROSSINGS },
      { name: `ours async nested ${atOnce}`, run: ours(handleNested, NESTED, atOnce), times: CROSSINGS },
      { name: `ours sync ${atOnce}`, run: ours(handleNow, FLAT, atOnce), times: CROSSINGS },
      { name: `publish, crossing ${atOnce}`, run: (times) => publishingAtOnce(atOnce, times), times: CROSSINGS },
    );
  }
  return found;
}
