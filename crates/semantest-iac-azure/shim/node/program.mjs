// A program of the user's that can be run: packages come to the app without the right to, by some ways.
import { accessSync, chmodSync, constants, copyFileSync, mkdirSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

export function runnable(path) {
  if (canRun(path)) return path;
  try {
    chmodSync(path, 0o755);
  } catch {
    // The package may be mounted read-only.
  }
  return canRun(path) ? path : copy(path);
}

function canRun(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function copy(path) {
  const folder = join(tmpdir(), `semantest-${createHash("sha256").update(path).digest("hex").slice(0, 16)}`);
  const target = join(folder, basename(path));
  mkdirSync(folder, { recursive: true });
  if (!canRun(target)) {
    copyFileSync(path, target);
    chmodSync(target, 0o755);
  }
  return target;
}
