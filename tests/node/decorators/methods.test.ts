/** Methods and classes marked by decorators, as those are in JavaScript and under `experimentalDecorators`. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApplicationEvent, DeploymentRequested, EventBus, EventHandler, FunctionDeployed, listen } from "semantest-iac";

const deployed = (functionName = "f"): FunctionDeployed => {
  return new FunctionDeployed({ functionName, arn: "a", component: "c", environment: "dev", provider: "local" });
};

const request = (): DeploymentRequested => new DeploymentRequested({ component: "c" });

class Log {
  readonly heard: string[] = [];

  @listen(FunctionDeployed)
  async first(event: FunctionDeployed): Promise<void> {
    this.heard.push(`first ${event.functionName}`);
  }

  @listen("Noted")
  second(event: ApplicationEvent): void {
    this.heard.push(`second ${event.eventType}`);
  }

  unmarked(event: FunctionDeployed): void {
    this.heard.push(`unmarked ${event.functionName}`);
  }
}

test("marked methods are called on their object, in the order they are written", async () => {
  class Twice {
    readonly heard: string[] = [];

    @listen(FunctionDeployed)
    one(): void {
      this.heard.push("one");
    }

    @listen(FunctionDeployed)
    async two(): Promise<void> {
      this.heard.push("two");
    }
  }
  const [log, twice, bus] = [new Log(), new Twice(), new EventBus()];
  bus.include(log, twice);
  await bus.publish(deployed());
  await bus.publish(new ApplicationEvent("com.example.Noted"));
  assert.deepEqual(log.heard, ["first f", "second Noted"]);
  assert.deepEqual(twice.heard, ["one", "two"]);
});

test("two objects of one class are two handlers", async () => {
  const [one, other, bus] = [new Log(), new Log(), new EventBus()];
  bus.include(one, other);
  await bus.publish(deployed());
  assert.deepEqual([one.heard, other.heard], [["first f"], ["first f"]]);
});

test("a method that overrides a marked one listens as that did, unless it is marked itself", async () => {
  class Derived extends Log {
    override async first(event: FunctionDeployed): Promise<void> {
      this.heard.push(`derived ${event.functionName}`);
    }

    @listen("Other")
    override second(event: ApplicationEvent): void {
      this.heard.push(`other ${event.eventType}`);
    }
  }
  const [log, bus] = [new Derived(), new EventBus()];
  bus.include(log);
  await bus.publish(deployed());
  await bus.publish(new ApplicationEvent("Noted"));
  await bus.publish(new ApplicationEvent("Other"));
  assert.deepEqual(log.heard, ["derived f", "other Other"]);
});

test("marks pile up, and an event that several ask for comes once", async () => {
  class Piled {
    readonly heard: string[] = [];

    @listen(FunctionDeployed)
    @listen("Noted", "FunctionDeployed")
    all(event: FunctionDeployed | ApplicationEvent): void {
      this.heard.push(event.eventType);
    }
  }
  const [piled, bus] = [new Piled(), new EventBus()];
  bus.include(piled);
  await bus.publish(deployed());
  await bus.publish(new ApplicationEvent("Noted"));
  assert.deepEqual(piled.heard, ["FunctionDeployed", "Noted"]);
});

test("another decorator may wrap a marked method", async () => {
  const wrapped: string[] = [];
  class Wrapped {
    readonly heard: string[] = [];

    @loud(wrapped)
    @listen(FunctionDeployed)
    above(): void {
      this.heard.push("above");
    }

    @listen(FunctionDeployed)
    @loud(wrapped)
    below(): void {
      this.heard.push("below");
    }
  }
  const [handler, bus] = [new Wrapped(), new EventBus()];
  bus.include(handler);
  await bus.publish(deployed());
  assert.deepEqual(handler.heard, ["above", "below"]);
  assert.deepEqual(wrapped, ["above", "below"]);
});

test("static methods need no object", async () => {
  const heard: string[] = [];
  class Listeners {
    constructor() {
      throw new Error("not to be made");
    }

    @listen(FunctionDeployed)
    static announce(event: FunctionDeployed): void {
      heard.push(event.functionName);
    }
  }
  const bus = new EventBus();
  bus.include(Listeners);
  await bus.publish(deployed());
  assert.deepEqual(heard, ["f"]);
});

test("methods under symbols are handlers too", async () => {
  const secret = Symbol("secret");
  const heard: string[] = [];
  class Hidden {
    @listen(FunctionDeployed)
    [secret](event: FunctionDeployed): void {
      heard.push(event.functionName);
    }
  }
  const bus = new EventBus();
  bus.include(new Hidden());
  await bus.publish(deployed());
  assert.deepEqual(heard, ["f"]);
});

test("objects of an EventHandler class handle its events, and what its constructor got is there", async () => {
  @EventHandler(FunctionDeployed, "Noted")
  class Announce {
    readonly heard: string[] = [];

    constructor(private readonly greeting: string) {}

    async handle(event: FunctionDeployed | ApplicationEvent): Promise<void> {
      this.heard.push(`${this.greeting} ${event.eventType}`);
    }
  }
  const [announce, bus] = [new Announce("hello"), new EventBus()];
  bus.include(announce);
  await bus.publish(deployed());
  await bus.publish(new ApplicationEvent("Noted"));
  await bus.publish(request());
  assert.deepEqual(announce.heard, ["hello FunctionDeployed", "hello Noted"]);
});

test("`handle` may be inherited, and may be a field", async () => {
  const heard: string[] = [];
  class Base {
    handle(event: FunctionDeployed): void {
      heard.push(`base ${event.functionName}`);
    }
  }
  @EventHandler(FunctionDeployed)
  class Derived extends Base {}
  @EventHandler(FunctionDeployed)
  class Field {
    readonly handle = (event: FunctionDeployed): void => {
      heard.push(`field ${event.functionName}`);
    };
  }
  const bus = new EventBus();
  bus.include(new Derived(), new Field());
  await bus.publish(deployed());
  assert.deepEqual(heard, ["base f", "field f"]);
  assert.throws(() => bus.include(new Base()), /is no handler/, "the class that it derives from is not marked");
});

test("a class derived from an EventHandler class handles the same, unless it is decorated itself", async () => {
  const heard: string[] = [];
  @EventHandler(FunctionDeployed)
  class Base {
    handle(event: FunctionDeployed | DeploymentRequested): void {
      heard.push(`${this.constructor.name} ${event.eventType}`);
    }
  }
  class Same extends Base {}
  @EventHandler(DeploymentRequested)
  class Other extends Base {}
  const bus = new EventBus();
  bus.include(new Same(), new Other());
  await bus.publish(deployed());
  await bus.publish(request());
  assert.deepEqual(heard, ["Same FunctionDeployed", "Other DeploymentRequested"]);
});

test("a bus has its own handlers, which come first", async () => {
  const heard: string[] = [];
  class Bus extends EventBus {
    readonly greeting = "bus";

    @listen(FunctionDeployed)
    async onDeployed(event: FunctionDeployed): Promise<void> {
      heard.push(`${this.greeting} ${event.functionName}`);
    }
  }
  const bus = new Bus();
  bus.include(listen(FunctionDeployed)(() => void heard.push("function")));
  await bus.publish(deployed());
  assert.deepEqual(heard, ["bus f", "function"]);
  assert.throws(() => bus.include(bus), /Bus\.onDeployed is included already/);
});

test("decorators without parentheses say that they need them", () => {
  const marks: any = listen;
  assert.throws(() => {
    class Handler {
      @marks
      handle(): void {}
    }
    return new Handler();
  }, { name: "InvalidInputError", message: /@listen\(FunctionDeployed\)/ });
  const handles: any = EventHandler;
  assert.throws(() => {
    @handles
    class Handler {
      handle(): void {}
    }
    return new Handler();
  }, { name: "InvalidInputError", message: /FunctionDeployed/ });
});

test("what is no method cannot be marked", () => {
  const marks: any = listen(FunctionDeployed);
  assert.throws(() => {
    class Handler {
      @marks
      handle = (): void => {};
    }
    return new Handler();
  }, /listen marks methods, and `handle` is (no method|none)/);
  assert.throws(() => {
    @marks
    class Handler {}
    return new Handler();
  }, /not the class Handler; EventHandler marks classes/);
});

/** A decorator of somebody else's: tells of calls, whichever kind of decorator it is. */
function loud(calls: string[]): any {
  return (...given: any[]) => {
    const [target, key, descriptor] = given;
    const name = String(typeof key === "object" ? key.name : key);
    const around = (method: (...args: unknown[]) => unknown) => {
      return function (this: unknown, ...args: unknown[]): unknown {
        calls.push(name);
        return method.apply(this, args);
      };
    };
    return descriptor === undefined ? around(target) : { ...descriptor, value: around(descriptor.value) };
  };
}
