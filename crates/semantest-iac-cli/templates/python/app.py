"""A Lambda-style handler: API Gateway payload format 2.0."""
import json
import os


def handler(event, context):
    # A direct call (`semantest-iac invoke`) may say nothing of a request.
    http = event.get("requestContext", {}).get("http", {"method": "GET", "path": "/"})
    if http["path"] == "/health":
        return {"status": "ok"}
    print(http["method"], http["path"])
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"message": f"{os.environ['GREETING']} from {http['path']}"}),
    }
