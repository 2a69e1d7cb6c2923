/** What is uploaded: the packed packages, and how they behave where they are installed. */

import assert from "node:assert/strict";
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { folder, project, write } from "./project.js";
import { packed } from "./repository.js";

/** Where this project has the installed packages. */
const MODULES = dirname(dirname(fileURLToPath(import.meta.resolve("semantest-iac/package.json"))));

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly main?: string;
  readonly types?: string;
  readonly bin?: Record<string, string>;
  readonly exports?: Record<string, string | Record<string, string>>;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

const MANIFEST = manifest("semantest-iac");

function manifest(name: string): Manifest {
  return JSON.parse(readFileSync(join(MODULES, name, "package.json"), "utf8")) as Manifest;
}

/** The one package of a platform that is installed. */
function platform(): string {
  const [name, ...more] = readdirSync(join(MODULES, "@semantest"));
  assert.ok(name !== undefined && more.length === 0, "npm installs the package of this platform");
  return `@semantest/${name}`;
}

function tarball(start: string): string {
  const found = readdirSync(packed()).filter((name) => name.startsWith(start));
  assert.equal(found.length, 1, `${start}: ${found.join(", ")}`);
  return packed(found[0] as string);
}

const ROOT_TARBALL = `semantest-iac-${MANIFEST.version}.tgz`;

function contents(file: string): string[] {
  const listed = spawnSync("tar", ["-tzf", file], { encoding: "utf8" });
  assert.equal(listed.status, 0, listed.stderr);
  return listed.stdout.split("\n").filter((name) => name !== "" && !name.endsWith("/"));
}

function node(at: string, ...given: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, given, { cwd: at, encoding: "utf8" });
}

/** A copy of what is installed, in a folder of its own that nothing else is found from. */
function installed(t: TestContext, ...names: string[]): string {
  const made = join(folder(t), "with spaces and ü");
  for (const name of names) cpSync(join(MODULES, name), join(made, "node_modules", name), { recursive: true });
  return made;
}

test("the packed root package is under 100 KB", () => {
  assert.ok(statSync(tarball(ROOT_TARBALL)).size < 100_000);
});

test("the root package has what was compiled, the loader and the licences, and nothing else", () => {
  const other = contents(tarball(ROOT_TARBALL))
    .map((name) => name.replace(/^package\//, ""))
    .filter((name) => !/^dist\/.+\.(js|d\.ts)$/.test(name));
  const expected = ["LICENSE", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "native.cjs", "native.d.cts", "package.json"];
  assert.deepEqual(other.sort(), expected);
});

test("a platform's package has the native module and is installed nowhere else", () => {
  const { main, name } = manifest(platform());
  const listed = contents(tarball(`semantest-${name.slice("@semantest/".length)}-`));
  assert.ok(listed.includes(`package/${main}`), listed.join(", "));
  const { os, cpu } = manifest(name) as unknown as { os: string[]; cpu: string[] };
  assert.deepEqual([os, cpu], [[process.platform], [process.arch]]);
});

test("every file that the manifest names is in the package", () => {
  const named = Object.values(MANIFEST.exports ?? {}).flatMap((one) => (typeof one === "string" ? one : Object.values(one)));
  named.push(MANIFEST.types ?? "", ...Object.values(MANIFEST.bin ?? {}));
  for (const file of named) assert.ok(statSync(join(MODULES, "semantest-iac", file)).isFile(), file);
});

test("it depends on `ws` alone, and on the platforms' packages of its own version", () => {
  assert.deepEqual(Object.keys(MANIFEST.dependencies ?? {}), ["ws"]);
  for (const [name, version] of Object.entries(MANIFEST.optionalDependencies ?? {})) {
    assert.match(name, /^@semantest\/iac-/);
    assert.equal(version, MANIFEST.version, name);
  }
  assert.ok(Object.hasOwn(MANIFEST.optionalDependencies ?? {}, platform()));
});

test("`require` gives what `import` gives, without a warning", (t) => {
  const at = installed(t, "semantest-iac", platform(), "ws");
  const paths = Object.keys(MANIFEST.exports ?? {})
    .filter((path) => !path.endsWith(".json"))
    .map((path) => join("semantest-iac", path));
  write(at, "both.cjs", `for (const path of ${JSON.stringify(paths)}) {
    const required = require(path);
    import(path).then((imported) => {
      for (const name of Object.keys(imported)) if (imported[name] !== required[name]) throw new Error(path + ": " + name);
      console.log(path, Object.keys(imported).length > 0);
    });
  }`);
  const ran = node(at, "both.cjs");
  assert.deepEqual([ran.status, ran.stderr], [0, ""]);
  assert.deepEqual(ran.stdout.split("\n").filter(Boolean).sort(), paths.map((path) => `${path} true`).sort());
});

test("files behind what the manifest names cannot be imported", (t) => {
  const at = installed(t, "semantest-iac", platform(), "ws");
  const ran = node(at, "-e", "require('semantest-iac/dist/internals.js')");
  assert.equal(ran.status, 1);
  assert.match(ran.stderr, /ERR_PACKAGE_PATH_NOT_EXPORTED/);
});

test("it works from a folder with spaces and letters beyond ASCII", (t) => {
  const at = installed(t, "semantest-iac", platform(), "ws");
  const shop = project(t);
  const line = join(at, "node_modules", "semantest-iac", MANIFEST.bin?.["semantest-iac"] ?? "");
  const ran = node(shop, line, "deploy", "--component", "rest-api", "--output", "json");
  assert.equal(ran.status, 0, ran.stderr);
  assert.equal((JSON.parse(ran.stdout) as { status: string }).status, "deployed");
});

test("without the platform's package the error says which one to install", (t) => {
  const at = installed(t, "semantest-iac", "ws");
  const ran = node(at, "-e", "require('semantest-iac')");
  assert.equal(ran.status, 1);
  assert.ok(ran.stderr.includes("npm install @semantest/iac-"), ran.stderr);
  assert.ok(ran.stderr.includes(`@${MANIFEST.version}`), ran.stderr);
});

test("a native module that does not load is the error's cause", (t) => {
  const at = installed(t, "semantest-iac", "ws");
  const name = platform();
  write(at, join("node_modules", name, "package.json"), JSON.stringify(manifest(name)));
  write(at, join("node_modules", name, manifest(name).main ?? ""), "no native module");
  const ran = node(at, "-e", "try { require('semantest-iac') } catch (error) { console.log(error.cause.code) }");
  assert.equal(ran.stdout, "ERR_DLOPEN_FAILED\n", ran.stderr);
});

test("a native module of another version is refused", (t) => {
  const at = installed(t, "semantest-iac", platform(), "ws");
  const other = JSON.stringify({ ...MANIFEST, version: "999.0.0" });
  write(at, join("node_modules", "semantest-iac", "package.json"), other);
  const ran = node(at, "-e", "try { require('semantest-iac') } catch (error) { console.log(error.cause.message) }");
  const said = `${platform()} is of version ${MANIFEST.version}, semantest-iac of 999.0.0: install the same version of both\n`;
  assert.equal(ran.stdout, said, ran.stderr);
});

test("where there is no module for this C library, the error names the one to install", (t) => {
  const at = installed(t, "semantest-iac", "ws");
  const [arch] = Object.keys(MANIFEST.optionalDependencies ?? {}).filter((name) => name.endsWith(`linux-${process.arch}-musl`));
  assert.ok(arch !== undefined);
  const asked = (loader: string): string => {
    // As the program of a Node begins that was made for that C library.
    write(at, "program", `\x7fELF\0\0/lib/${loader}\0`);
    const as = 'Object.defineProperty(process, "platform", { value: "linux" }); process.execPath = "./program";';
    return node(at, "-e", `${as} try { require("semantest-iac") } catch (error) { console.log(error.message) }`).stdout;
  };
  assert.match(asked("ld-musl-x86_64.so.1"), new RegExp(`npm install ${arch}@\\S+; this Node is made for musl, as on Alpine`));
  assert.match(asked("ld-linux-x86-64.so.2"), new RegExp(`npm install ${arch.replace("musl", "gnu")}@\\S+; this Node is made for glibc`));
});

test("the loader looks for the packages that the manifest declares, and says where there is none", (t) => {
  const at = folder(t);
  mkdirSync(join(at, "node_modules"));
  cpSync(join(MODULES, "semantest-iac"), join(at, "node_modules", "semantest-iac"), { recursive: true });
  const asked = (os: string, cpu: string): string => {
    const as = `Object.defineProperty(process, "platform", { value: "${os}" }); Object.defineProperty(process, "arch", { value: "${cpu}" });`;
    return node(at, "-e", `${as} try { require("semantest-iac") } catch (error) { console.log(error.message) }`).stdout;
  };
  const found = new Set<string>();
  for (const os of ["darwin", "linux", "win32"]) {
    for (const cpu of ["arm64", "x64"]) {
      for (const name of asked(os, cpu).match(/@semantest\/iac-[\w-]+/g) ?? []) found.add(name);
    }
  }
  assert.deepEqual([...found].sort(), Object.keys(MANIFEST.optionalDependencies ?? {}).sort());
  assert.match(asked("sunos", "x64"), /^semantest-iac has no native module for sunos-x64: there are darwin-arm64, /);
});
