/** Events on their way between the core and ports in TypeScript: nothing of them gets lost. */

import { CloudEvent } from "./event.js";
import type { CloudEventObject } from "./cloudevent.js";

/** Whether it is an event object, or may be a CloudEvents object. @internal */
export function isEvent(event: unknown): event is CloudEvent | CloudEventObject {
  return typeof event === "object" && event !== null && !Array.isArray(event);
}

/** The CloudEvents object of an event. @internal */
export function written(event: CloudEvent | CloudEventObject): CloudEventObject {
  return event instanceof CloudEvent ? event.toCloudEvent() : event;
}
