/** The native module and its bridge, for tests of what the public face stands on. */

import { internals } from "./program.js";

const { hostCommand } = internals;

/** The bridge of this process. */
export const bridge: any = internals.bridge();
export const { Bridge, Engine, NativeBridge, checkConformance, deliverRepeatedly, newId, upcast, version } = internals;

/** An event of an application, as CloudEvents JSON. */
export const EVENT = JSON.stringify({
  specversion: "1.0",
  id: "e1",
  source: "/shop",
  type: "com.shop.SomethingNoted",
  subject: "shop",
  time: "2026-01-02T03:04:05Z",
  data: {},
});

/** A port, as `open` takes it: `answer` is called with a method's name and its arguments. */
export function port(role: string, methods: string[], answer: (method: string, args: any[]) => unknown): object {
  const target = bridge.serve(
    (request: string) => {
      const { method, arguments: args } = JSON.parse(request);
      return answer(method, args);
    },
    (thrown: unknown) => ({ message: `it threw ${String(thrown)}` }),
  );
  return { target, role, name: "toy", methods, schemes: role === "secret_resolver" ? ["toy"] : [] };
}

/** An engine on the project in `directory`. */
export async function open(directory: string, settings: object = {}): Promise<any> {
  const engine = new Engine(bridge.native);
  const all = { directory, host_command: hostCommand(), lease_wait_s: 0, ...settings };
  await bridge.ask((call: number) => engine.open(call, JSON.stringify(all)));
  return engine;
}

/** Has a target handle `EVENT`. */
export function deliver(target: number, times = 1, atOnce = 1): Promise<void> {
  return bridge.ask((call: number) => deliverRepeatedly(bridge.native, call, target, EVENT, times, atOnce));
}
