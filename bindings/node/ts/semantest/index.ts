/// <reference types="node" preserve="true" />

/**
 * Adapters for Semantest: its event forms, its WebSocket server and its store.
 *
 * They work on the objects and the JSON that they are given: nothing of Semantest is imported.
 */

export type { CloudEventObject } from "../cloudevent.js";
export { fromSemantest, type ReadOptions } from "./decoder.js";
export { chain, envelope, type EnvelopeOptions, name } from "./envelope.js";
export { toEquivalent, toRequest } from "./equivalents.js";
export { type JsonlOptions, readJsonl, type StoredEvent } from "./jsonl-reader.js";
export { JsonlWriter, type JsonlWriterOptions } from "./jsonl-writer.js";
export {
  type PersistedEvent,
  type PersistedMetadata,
  type StoreLine,
  type StorePosition,
  toSemantest,
  toStoreLine,
  toWsMessage,
  type Writable,
  type WsMessage,
} from "./persisted.js";
export { WebSocketBridge, type WebSocketBridgeOptions } from "./websocket-bridge.js";
