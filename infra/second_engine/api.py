"""Client for the HTTP API of the deployed stack, with the events of API Gateway.

ministack has no issuer of tokens, so the function is invoked with the event that API Gateway makes once its authorizer
has checked a token.
"""

import json

from engine import ROOT, Failed, invoke, wait

BUSY = (429, 500, 502, 503, 504)


def call(method, path, body=None, headers=None, media="application/json"):
    """Sends a request; returns status, body and headers. A killed invocation counts as 503."""
    event = json.loads((ROOT / "events" / "api.list-sales.json").read_text(encoding="utf-8"))
    path, _, query = path.partition("?")
    event["rawPath"], event["rawQueryString"] = path, query
    event["queryStringParameters"] = dict(part.split("=", 1) for part in query.split("&")) if query else None
    event["headers"] = {"host": "api", "content-type": media, **(headers or {})}
    event["requestContext"]["http"].update(method=method, path=path)
    event["requestContext"]["authorizer"]["jwt"]["claims"]["permissions"] = "integration:shipstation:configure"
    if body is not None:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    reply = invoke("api", event, tolerant=True)
    if reply is None:
        return 503, {}, {}
    text = reply.get("body") or "null"
    return reply["statusCode"], json.loads(text), {name.lower(): value for name, value in reply["headers"].items()}


def ask(method, path, body=None, headers=None, media="application/json"):
    """Sends a request that must succeed. It is repeated after a busy or killed function, as by a client."""

    def once():
        status, answer, got = call(method, path, body, headers, media)
        if status in BUSY:
            return None
        if status >= 300:
            raise Failed(f"{method} {path}: {status} {json.dumps(answer)[:500]}")
        return answer, got

    return wait(f"{method} {path}", once, patience=60)


def get(path):
    return ask("GET", path)[0]


def every(path):
    """Returns all items of a list."""
    items, token = [], ""
    while True:
        page = get(f"{path}{'&' if '?' in path else '?'}limit=100{token}")
        items += page["items"]
        if not page.get("next_page_token"):
            return items
        token = f"&page_token={page['next_page_token']}"


def change(path, edit):
    """Reads a document, edits it and writes it back with its ETag."""
    document, headers = ask("GET", path)
    edit(document)
    return ask("PUT", path, document, {"if-match": headers["etag"]})[0]


def settled(operation_id, patience=240):
    """Waits for the end of an operation and returns it."""

    def look():
        now = get(f"/v1/operations/{operation_id}")
        return now if now["state"] in ("completed", "failed") else None

    return wait(f"operation {operation_id}", look, patience)


def run(body, patience=240):
    """Starts an operation and waits for its end."""
    return settled(ask("POST", "/v1/operations", body)[0]["id"], patience)
