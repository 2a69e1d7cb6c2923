/** The stories of `tests/vectors/scenarios.json`, told to Node's front door. `tests/vectors/README.md` says what the words mean. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import {
  type CloudEventObject,
  DeployAnswer,
  DeploymentAnswer,
  DiscoverAnswer,
  Iac,
  IacError,
  InvokeAnswer,
  PlanAnswer,
  PublishAnswer,
  RefreshAnswer,
  StatusAnswer,
} from "semantest-iac";

import { differs, filled } from "./patterns.js";
import { all, atTheEnd, folder, stopHost, write } from "./project.js";
import { inRepository } from "./repository.js";

type Data = { [key: string]: unknown };
type Lines = { readonly [path: string]: readonly string[] };

interface Step {
  readonly do: string;
  readonly with?: Data;
  readonly expect?: unknown;
  readonly error?: Data & { readonly message_contains?: string | string[] };
  readonly recorded?: readonly (string | Expected)[];
  readonly recorded_in_any_order?: readonly (string | Expected)[];
  readonly each_recorded?: unknown;
  readonly get?: Data & { readonly path: string };
}

interface Expected {
  readonly event: string;
  readonly is?: unknown;
}

interface Story {
  readonly name: string;
  readonly project?: string;
  readonly files?: Lines;
  readonly environment?: { readonly [name: string]: string };
  readonly steps: readonly Step[];
  readonly absent?: readonly string[];
}

interface Told {
  readonly patterns: readonly { readonly pattern: unknown; readonly value: unknown; readonly fits: boolean }[];
  readonly projects: { readonly [name: string]: Lines };
  readonly stories: readonly Story[];
}

const TOLD = JSON.parse(readFileSync(inRepository("tests", "vectors", "scenarios.json"), "utf8")) as Told;

/** The method for what a step does, and what its answer is. */
const CALLS: { readonly [name: string]: readonly [method: keyof Iac, answer: { toJSON(answer: never): Data }] } = {
  plan: ["plan", PlanAnswer],
  plan_removal: ["planRemoval", PlanAnswer],
  deploy: ["deploy", DeployAnswer],
  destroy: ["destroy", DeployAnswer],
  rollback: ["rollback", DeployAnswer],
  scale: ["scale", DeployAnswer],
  configure: ["configure", DeployAnswer],
  state: ["state", DeploymentAnswer],
  drift: ["drift", RefreshAnswer],
};

function camelCase(key: string): string {
  return key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function nameOf(event: CloudEventObject): string {
  return event.type.split(".").at(-1) ?? "";
}

function answered(answer: PublishAnswer | DeployAnswer | null): Data | null {
  if (answer === null) return null;
  return "event" in answer ? PublishAnswer.toJSON(answer) : DeployAnswer.toJSON(answer);
}

/** Tells one story in a folder of its own. */
class Teller {
  #iac: Iac | null = null;
  #position = 0;
  #endpoint = "";
  readonly #saved = new Map<string, unknown>();
  readonly #seen: string[] = [];

  constructor(
    private readonly story: Story,
    private readonly folder: string,
  ) {}

  async tell(): Promise<void> {
    const { project, files, steps, absent = [] } = this.story;
    const laid = { ...(project === undefined ? {} : TOLD.projects[project]), ...files };
    for (const [path, lines] of Object.entries(laid)) this.#write(path, lines);
    try {
      for (const [number, step] of steps.entries()) {
        const wrong = await this.#step(step);
        assert.equal(wrong, null, `step ${number + 1} (${step.do}): ${wrong}`);
      }
    } finally {
      await this.#close();
      stopHost(this.folder);
    }
    for (const text of absent) {
      assert.ok(!this.#seen.join("\n").includes(text), `${text} was said`);
      for (const entry of readdirSync(this.folder, { recursive: true, withFileTypes: true })) {
        const file = join(entry.parentPath, entry.name);
        assert.ok(!entry.isFile() || !readFileSync(file).includes(text), `${text} is in ${file}`);
      }
    }
  }

  async #step(step: Step): Promise<string | null> {
    let answer: Data | null = null;
    let error: Data | null = null;
    try {
      answer = await this.#call(step.do, filled(step.with ?? {}, this.#saved) as Data);
    } catch (thrown) {
      if (!(thrown instanceof IacError)) throw thrown;
      answer = answered(thrown.answer);
      error = thrown.toJSON();
    }
    const recorded = await this.#recorded();
    this.#seen.push(JSON.stringify([answer, error, recorded]));
    const { result } = answer ?? {};
    const { endpoint } = ((result ?? answer) as { endpoint?: string | null } | null) ?? {};
    this.#endpoint = endpoint ?? this.#endpoint;
    return this.#wrongEnd(step, answer, error) ?? this.#wrongRecord(step, recorded) ?? (await this.#wrongGet(step.get));
  }

  #wrongEnd({ error: wanted, expect }: Step, answer: Data | null, error: Data | null): string | null {
    if ((error === null) !== (wanted === undefined)) {
      return `it ended with ${JSON.stringify(error ?? answer)}, and the story has ${JSON.stringify(wanted ?? "no error")}`;
    }
    if (wanted !== undefined) {
      const { message_contains = "", ...pattern } = wanted;
      const wrong = differs({ ...pattern, message: { $contains: message_contains } }, error, this.#saved, "error");
      if (wrong !== null) return wrong;
    }
    return expect === undefined ? null : differs(expect, answer, this.#saved, "answer");
  }

  #wrongRecord(step: Step, events: readonly CloudEventObject[]): string | null {
    const told = step.recorded ?? step.recorded_in_any_order;
    if (told !== undefined) {
      const wanted = told.map((one) => (typeof one === "string" ? { event: one } : one));
      const [names, wantedNames] = [events.map(nameOf), wanted.map((one) => one.event)];
      const inOrder = step.recorded !== undefined;
      const same = inOrder ? [names, wantedNames] : [[...names].sort(), [...wantedNames].sort()];
      if (String(same[0]) !== String(same[1])) return `${names} were recorded, not ${wantedNames}`;
      const wrong = this.#wrongEvents(wanted, [...events], inOrder);
      if (wrong !== null) return wrong;
    }
    const { each_recorded: each = {} } = step;
    return events.map((event) => differs(each, event, this.#saved, nameOf(event))).find((one) => one !== null) ?? null;
  }

  #wrongEvents(wanted: readonly Expected[], left: CloudEventObject[], inOrder: boolean): string | null {
    for (const one of wanted) {
      const places = inOrder ? [0] : [...left.keys()];
      const isNot = places.map((place) => this.#isNot(one, left[place]!));
      const fits = isNot.indexOf(null);
      if (fits < 0) return isNot[0] ?? `no ${one.event} was recorded`;
      left.splice(fits, 1);
    }
    return null;
  }

  #isNot(wanted: Expected, event: CloudEventObject): string | null {
    if (wanted.event !== nameOf(event)) return `no ${wanted.event} as told was recorded`;
    return differs(wanted.is ?? {}, event, this.#saved, wanted.event);
  }

  async #wrongGet(wanted: Step["get"]): Promise<string | null> {
    if (wanted === undefined) return null;
    const { path, ...pattern } = wanted;
    const response = await fetch(new URL(this.#endpoint).origin + path);
    const body = await response.text();
    const json: unknown = "json" in wanted ? JSON.parse(body) : null;
    return differs(pattern, { status: response.status, body, json }, this.#saved, "the response");
  }

  async #call(does: string, given: Data): Promise<Data | null> {
    switch (does) {
      case "write":
        await this.#touched(given["path"] as string);
        return this.#write(given["path"] as string, given["lines"] as string[]);
      case "remove_file":
        await this.#touched(given["path"] as string);
        rmSync(join(this.folder, given["path"] as string));
        return null;
      case "stop_host":
        stopHost(this.folder);
        return null;
    }
    this.#iac ??= await Iac.open(this.folder);
    return this.#ask(this.#iac, does, given);
  }

  async #ask(iac: Iac, does: string, { component, ...given }: Data): Promise<Data> {
    const name = component as string;
    switch (does) {
      case "publish":
        return PublishAnswer.toJSON(await iac.publish(given["event"] as object));
      case "status":
        return StatusAnswer.toJSON(await iac.status(name ?? null, given));
      case "discover":
        return DiscoverAnswer.toJSON(await iac.discover({ component: name ?? null, ...given }));
      case "invoke": {
        const { payload, ...options } = given;
        return InvokeAnswer.toJSON(await iac.invoke(name, payload, options));
      }
      case "history":
        return { events: (await iac.history(name, given)).map((event) => event.toCloudEvent()) };
      case "events": {
        const { names = [], ...options } = given;
        const events = await all(iac.events(...(names as string[]), { component: name ?? null, ...options }));
        return { events: events.map((event) => event.toCloudEvent()) };
      }
    }
    const [method, its] = CALLS[does]!;
    const options = Object.fromEntries(Object.entries(given).map(([key, value]) => [camelCase(key), value]));
    if (typeof given["time"] === "string") options["time"] = new Date(given["time"]);
    const call = iac[method] as (component: string, options: object) => Promise<never>;
    return its.toJSON(await call.call(iac, name, options));
  }

  async #recorded(): Promise<CloudEventObject[]> {
    if (this.#iac === null) return [];
    const events = await all(this.#iac.events({ after: this.#position }));
    this.#position = events.at(-1)?.position ?? this.#position;
    return events.map((event) => event.toCloudEvent());
  }

  async #touched(path: string): Promise<void> {
    if (path === "semantest.toml") await this.#close();
  }

  async #close(): Promise<void> {
    const iac = this.#iac;
    this.#iac = null;
    await iac?.close();
  }

  #write(path: string, lines: readonly string[]): null {
    write(this.folder, path, lines.map((line) => `${line}\n`).join(""));
    return null;
  }
}

for (const story of TOLD.stories) {
  test(story.name, async (t) => {
    for (const [name, value] of Object.entries(story.environment ?? {})) {
      process.env[name] = value;
      atTheEnd(t, () => delete process.env[name]);
    }
    await new Teller(story, folder(t)).tell();
  });
}

test("patterns fit what they should", () => {
  for (const { pattern, value, fits } of TOLD.patterns) {
    const wrong = differs(pattern, value, new Map());
    assert.equal(wrong === null, fits, JSON.stringify({ pattern, value, wrong }));
  }
});
