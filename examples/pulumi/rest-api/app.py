"""A greeting, and a health check that says whether it was given its secret, not which."""
import json
import os


def handler(event, context):
    if event["rawPath"] == "/health":
        return answer({"status": "ok", "secret": "TOKEN" in os.environ})
    return answer({"message": f"{os.environ['GREETING']}, {event['pathParameters']['name']}"})


def answer(body):
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
