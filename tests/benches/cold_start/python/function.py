"""For measuring only: the same put as `plain`, with boto3. Lambda's own Python runtime would poll in this way."""

import http.client
import json
import os

import boto3

table = os.environ["STEVEDORE_TABLE"]
client = boto3.client("dynamodb")
runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

while True:
    runtime.request("GET", "/2018-06-01/runtime/invocation/next")
    reply = runtime.getresponse()
    invocation = reply.headers["Lambda-Runtime-Aws-Request-Id"]
    event = json.loads(reply.read())
    for record in event["Records"]:
        item = {"pk": {"S": "PYTHON#" + record["messageId"]}, "sk": {"S": "HEAD"}, "body": {"S": record["body"]}}
        client.put_item(TableName=table, Item=item)
    runtime.request("POST", f"/2018-06-01/runtime/invocation/{invocation}/response", body="null")
    runtime.getresponse().read()
