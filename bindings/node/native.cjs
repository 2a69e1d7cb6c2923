"use strict";

// Loads the native module, which is in a package of its own for each platform: an optional dependency, of which npm installs the one that fits.

const { closeSync, openSync, readSync } = require("node:fs");

const { version } = require("./package.json");

// Where there are two, the first is for glibc. npm installs the one that fits; others install both.
const PACKAGES = {
  "darwin-arm64": ["@semantest/iac-darwin-arm64"],
  "darwin-x64": ["@semantest/iac-darwin-x64"],
  "linux-arm64": ["@semantest/iac-linux-arm64-gnu", "@semantest/iac-linux-arm64-musl"],
  "linux-x64": ["@semantest/iac-linux-x64-gnu", "@semantest/iac-linux-x64-musl"],
  "win32-x64": ["@semantest/iac-win32-x64-msvc"],
};

function load() {
  const platform = `${process.platform}-${process.arch}`;
  const there = PACKAGES[platform];
  if (there === undefined) {
    const known = Object.keys(PACKAGES).join(", ");
    throw new Error(`semantest-iac has no native module for ${platform}: there are ${known}`);
  }
  const musl = process.platform === "linux" && isOfMusl();
  const names = musl ? [...there].reverse() : there;
  const failures = [];
  for (const name of names) {
    try {
      return fitting(name, require(name));
    } catch (error) {
      failures.push(error);
    }
  }
  // What is there and does not load says more than what is not there.
  const cause = failures.find((error) => error.code !== "MODULE_NOT_FOUND") ?? failures[0];
  const help = `install it with the optional dependencies (not --omit=optional), on the machine that runs it: npm install ${names[0]}@${version}`;
  const which = there.length > 1 ? `; this Node is made for ${musl ? "musl, as on Alpine" : "glibc"}` : "";
  throw new Error(`the native module of semantest-iac (${names.join(" or ")}) cannot be loaded: ${help}${which}`, { cause });
}

// A program names what loads it near its beginning (ELF, PT_INTERP): /lib/ld-musl-x86_64.so.1
function isOfMusl() {
  const begin = Buffer.alloc(4096);
  try {
    const program = openSync(process.execPath, "r");
    try {
      readSync(program, begin, 0, begin.length, 0);
    } finally {
      closeSync(program);
    }
  } catch {
    // Then both are tried, that of glibc first.
  }
  return begin.includes("/ld-musl-");
}

// Words of two versions do not understand each other.
function fitting(name, native) {
  const found = native.version();
  if (found !== version) {
    throw new Error(`${name} is of version ${found}, semantest-iac of ${version}: install the same version of both`);
  }
  return native;
}

const native = load();

// One by one, so that Node finds the names when a module imports them.
exports.version = native.version;
exports.newId = native.newId;
exports.upcast = native.upcast;
exports.run = native.run;
exports.Bridge = native.Bridge;
exports.Engine = native.Engine;
exports.checkConformance = native.checkConformance;
exports.deliverRepeatedly = native.deliverRepeatedly;
