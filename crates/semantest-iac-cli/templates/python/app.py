"""A Lambda-style handler: API Gateway payload format 2.0."""
import json
import os


def handler(event, context):
    http = event["requestContext"]["http"]
    if http["path"] == "/health":
        return {"status": "ok"}
    print(http["method"], http["path"])
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"message": f"{os.environ['GREETING']} from {http['path']}"}),
    }
