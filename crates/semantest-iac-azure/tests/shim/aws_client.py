"""Sends to a connection as a handler on AWS does, with AWS's own client; prints how it went.

usage: python aws_client.py <address of the stage>; credentials are in the environment.
"""
import json
import sys

import boto3

api = boto3.client("apigatewaymanagementapi", endpoint_url=sys.argv[1], region_name="westeurope")


def went(call, **arguments):
    try:
        return call(**arguments)["ResponseMetadata"]["HTTPStatusCode"]
    except api.exceptions.ClientError as error:
        return error.response["Error"]["Code"]


print(json.dumps([
    went(api.post_to_connection, ConnectionId="there", Data="h\u00fc".encode()),
    went(api.post_to_connection, ConnectionId="there", Data=b"\x00\xff"),
    went(api.get_connection, ConnectionId="there"),
    went(api.delete_connection, ConnectionId="there"),
    went(api.post_to_connection, ConnectionId="gone", Data=b"x"),
    went(api.delete_connection, ConnectionId="gone="),
    went(api.post_to_connection, ConnectionId="there", Data=b"x" * (128 * 1024 + 1)),
]))
