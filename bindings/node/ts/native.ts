/** The native module. `bridge.ts` is what talks to it. */

export {
  Bridge as NativeBridge,
  Engine,
  checkConformance,
  deliverRepeatedly,
  newId,
  run,
  upcast,
  version,
} from "../native.cjs";
export type { Job } from "../native.cjs";
