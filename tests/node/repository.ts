/** Where the tests find the repository: they run in a project of their own, in which nothing but the installed package is. */

import { join } from "node:path";

function told(variable: string): string {
  const value = process.env[variable];
  if (value === undefined || value === "") {
    throw new Error(`${variable} is not set: run \`cargo xtask node\``);
  }
  return value;
}

/** A file or folder of the repository, by its path from the root. */
export function inRepository(...path: string[]): string {
  return join(told("SEMANTEST_ROOT"), ...path);
}

/** The packed packages, by file name: what is uploaded, and installed in this project. */
export function packed(...path: string[]): string {
  return join(told("SEMANTEST_PACKED"), ...path);
}

/** What the tests need beside Node: Python with clients, emulators. */
export function tools(...path: string[]): string {
  return join(told("SEMANTEST_TOOLS"), ...path);
}
