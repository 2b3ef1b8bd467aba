// For measuring only: the same put as `plain`, with version 3 of the SDK. Lambda's own Node runtime would poll in this way.

import http from "node:http";
import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";

const table = process.env.STEVEDORE_TABLE;
const client = new DynamoDBClient({});
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path }, (reply) => {
      let text = "";
      reply.on("data", (part) => (text += part));
      reply.on("end", () => resolve({ headers: reply.headers, text }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

for (;;) {
  const { headers, text } = await call("GET", "/2018-06-01/runtime/invocation/next");
  for (const record of JSON.parse(text).Records) {
    const Item = { pk: { S: `NODE#${record.messageId}` }, sk: { S: "HEAD" }, body: { S: record.body } };
    await client.send(new PutItemCommand({ TableName: table, Item }));
  }
  await call("POST", `/2018-06-01/runtime/invocation/${headers["lambda-runtime-aws-request-id"]}/response`, "null");
}
