// Does what the last part of a request's path says, or an event's `do`.
const what = (event) => event.do ?? event.rawPath?.split("/").at(-1);

exports.handler = async (event, context) => {
  switch (what(event)) {
    case "context": {
      const left = context.getRemainingTimeInMillis();
      return { ...context, left: left > 0 && left <= 10_000 };
    }
    case "raise":
      throw new RangeError("on purpose");
    case "undefined":
      return undefined;
    case "bigint":
      return 1n;
    case "reject":
      Promise.reject(new Error("nobody waits"));
      return await new Promise(() => setTimeout(() => {}, 5_000));
    case "print":
      console.log("printed %s", "line");
      console.error("failing line");
      return {};
    case "keys":
      return Object.keys(process.env);
    default:
      return event;
  }
};

exports.callbacks = (event, context, callback) => {
  switch (what(event)) {
    case "waits": {
      const answer = { drained: false };
      setTimeout(() => { answer.drained = true; }, 100);
      return void callback(null, answer);
    }
    case "leaves":
      context.callbackWaitsForEmptyEventLoop = false;
      setTimeout(() => {}, 5_000);
      return void callback(null, { left: true });
    case "fails":
      return void callback(new TypeError("told by callback"));
    default:
      return undefined;
  }
};
