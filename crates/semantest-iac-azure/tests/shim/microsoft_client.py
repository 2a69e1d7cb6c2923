"""Asks Web PubSub what `@connections` asks of it, by Microsoft's own client; prints a client's access address.

usage: python microsoft_client.py <connection string> <hub>
"""
import json
import sys

from azure.messaging.webpubsubservice import WebPubSubServiceClient

client = WebPubSubServiceClient.from_connection_string(sys.argv[1], hub=sys.argv[2])
client.connection_exists("there")
client.send_to_connection("there", "h\u00fc", content_type="text/plain")
client.send_to_connection("there", b"\x00\xff", content_type="application/octet-stream")
client.close_connection("there", reason="Connection Closed Normally")
client.connection_exists("gone")
print(json.dumps(client.get_client_access_token()))
