/** What the tests and the benchmark of this package need beside its public face. It is no part of that: it is not exported. */

/** @internal */
export { bridge, Bridge } from "./bridge.js";
/** @internal */
export { delivered } from "./delivered.js";
/** @internal */
export { deliverer, explained } from "./handlers.js";
/** @internal */
export { hostCommand } from "./host.js";
/** @internal */
export { listenersOf } from "./listen.js";
/** @internal */
export * from "./native.js";
/** @internal */
export { wire } from "./publish.js";
