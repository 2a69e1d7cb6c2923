"""Two functions of one component: a greeting and a health check."""
import json
import os


def greet(event, context):
    name = event["pathParameters"]["name"]
    print(f"greeting {name}")
    return answer(200, {"message": f"{os.environ['GREETING']}, {name}"})


def health(event, context):
    return answer(200, {"status": "ok", "function": context.function_name})


def answer(status, body):
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body),
    }
