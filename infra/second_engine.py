"""Deploys the template with its own settings to ministack on this machine, and takes the sandbox's orders to sales there.

    .ci/second-engine                 with the zips of `.ci/release x86-64`
    .ci/second-engine FOLDER          with binaries from a folder, for example target/debug

The functions are the release binaries, started by ministack as Lambda would start them; queues, event source mappings, table, secret and schedule are made by
CloudFormation from infra/template.yaml. Two things differ from AWS: the architecture is this machine's, and ShipStation is the sandbox. The API is invoked with
events as API Gateway sends them, since nobody issues tokens here.
"""

import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile

import boto3

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".ci"))

import check_template  # noqa: E402

PORT = 4597
LOCAL = 8797
STACK = "stevedore"
ORDERS = 60
ENDPOINT = f"http://127.0.0.1:{PORT}"
# Everything that must be done by then; the slowest part is ministack's polling of queues.
PATIENCE = 180

OPTIONS = {
    "endpoint_url": ENDPOINT,
    "region_name": check_template.REGION,
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


def client(service):
    return boto3.client(service, **OPTIONS)


def wait(what, ready):
    """Until `ready` answers something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = ready()
        if answer:
            return answer
        time.sleep(0.2)
    raise SystemExit(f"{what}: not within {PATIENCE} seconds")


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def package(function, binaries):
    """The function's zip: the release's, or made of a binary."""
    if binaries is None:
        return (ROOT / "target" / "release-files" / f"{function}-x86-64.zip").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        stripped = pathlib.Path(folder) / "bootstrap"
        subprocess.run(["strip", "-o", stripped, pathlib.Path(binaries) / function], check=True)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, stripped.read_bytes(), zipfile.ZIP_DEFLATED)
        return buffer.getvalue()


def with_numbers(value, parameters):
    """CloudFormation turns a parameter's text into the number that a property wants; ministack leaves it a text."""
    if isinstance(value, dict):
        reference = parameters.get(value.get("Ref"), {})
        if reference.get("Type") == "Number" and len(value) == 1:
            return int(reference["Default"])
        return {key: with_numbers(member, parameters) for key, member in value.items()}
    if isinstance(value, list):
        return [with_numbers(member, parameters) for member in value]
    return value


def deploy(binaries, shipstation):
    """The whole template, by CloudFormation."""
    template = check_template.translated()
    s3 = client("s3")
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": check_template.REGION})
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            function = resource["Properties"]["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
            s3.put_object(Bucket="code", Key=f"{name}.zip", Body=package(function, binaries))
            resource["Properties"]["Architectures"] = ["x86_64"]
    template["Resources"] = with_numbers(template["Resources"], template["Parameters"])
    # The sandbox speaks plain HTTP; the functions themselves allow that on this machine alone.
    del template["Parameters"]["ShipStationUrl"]["AllowedPattern"]
    parameters = {"JwtIssuer": "https://issuer.example/", "JwtAudience": "audience", "ShipStationUrl": shipstation}
    # Longer than a request may carry; `sam deploy` puts it there as well.
    s3.put_object(Bucket="code", Key="template.json", Body=json.dumps(template))
    client("cloudformation").create_stack(
        StackName=STACK,
        TemplateURL=f"{ENDPOINT}/code/template.json",
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )

    def ended():
        stack = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        return stack if not stack["StackStatus"].endswith("IN_PROGRESS") else None

    stack = wait("the stack", ended)
    if stack["StackStatus"] != "CREATE_COMPLETE":
        events = client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
        failed = [(e["LogicalResourceId"], e.get("ResourceStatusReason")) for e in events if "FAILED" in e["ResourceStatus"]]
        raise SystemExit(f"{stack['StackStatus']}: {failed}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def invoke(function, event):
    reply = client("lambda").invoke(FunctionName=f"{STACK}-{function}", Payload=json.dumps(event))
    body = json.loads(reply["Payload"].read() or "null")
    if reply.get("FunctionError"):
        raise SystemExit(f"{function} failed: {body}")
    return body


def api(method, path, body=None, headers=None):
    """A request as API Gateway hands it on, with the claims of a token that its authorizer has checked."""
    event = json.loads((ROOT / "events" / "api.list-sales.json").read_text())
    path, _, query = path.partition("?")
    event["rawPath"], event["rawQueryString"] = path, query
    event["queryStringParameters"] = dict(part.split("=") for part in query.split("&")) if query else None
    event["headers"] = {"host": "api", "content-type": "application/json", **(headers or {})}
    event["requestContext"]["http"].update(method=method, path=path)
    event["requestContext"]["authorizer"]["jwt"]["claims"]["permissions"] = "integration:shipstation:configure"
    if body is not None:
        event["body"] = json.dumps(body)
    reply = invoke("api", event)
    if reply["statusCode"] >= 300:
        raise SystemExit(f"{method} {path}: {reply['statusCode']} {reply['body']}")
    return json.loads(reply["body"]), {name.lower(): value for name, value in reply["headers"].items()}


def set_up():
    """What docs/deploy.md does by hand."""
    api("POST", "/v1/connection", {"api_key": "sandbox-key", "api_secret": "sandbox-secret"})
    made = {}
    for name, path, body in (
        ("location", "/v1/locations", {"name": "Main"}),
        ("revenue", "/v1/accounts", {"name": "Sales", "kind": "revenue", "receives_payments": False}),
        ("bank", "/v1/accounts", {"name": "Bank", "kind": "asset", "receives_payments": True}),
        ("rule", "/v1/tax_rules", {"name": "Sales tax", "components": []}),
        ("customer", "/v1/customers", {"name": "Walk-in customer"}),
    ):
        made[name] = api("POST", path, body)[0]["id"]
    settings, headers = api("GET", "/v1/settings")
    settings.update(time_zone="America/New_York", customer_id=made["customer"], revenue_account=made["revenue"])
    settings["location_map"]["default"] = made["location"]
    settings["tax"]["default_rule"] = made["rule"]
    settings["payment"]["account"] = made["bank"]
    api("PUT", "/v1/settings", settings, {"if-match": headers["etag"]})


def every(path):
    items, token = [], ""
    while True:
        page, _ = api("GET", f"{path}{'&' if '?' in path else '?'}limit=100{token}")
        items += page["items"]
        if not page.get("next_page_token"):
            return items
        token = f"&page_token={page['next_page_token']}"


def main():
    binaries = sys.argv[1] if len(sys.argv) > 1 else None
    tools = pathlib.Path(sys.executable).parent
    programs = []
    folder = tempfile.TemporaryDirectory()
    try:
        environment = {**os.environ, "GATEWAY_PORT": str(PORT), "MINISTACK_HOST": "127.0.0.1", "AWS_ENDPOINT_URL": ENDPOINT, "LAMBDA_EXECUTOR": "local"}
        log = open(ROOT / "target" / "second-engine.log", "w", encoding="utf-8")
        programs.append(
            subprocess.Popen([tools / "hypercorn", "ministack.app:app", "--bind", f"127.0.0.1:{PORT}"], env=environment, stdout=log, stderr=log)
        )
        stevedore = ["cargo", "run", "--quiet", "--", "--no-schedule", "--port", str(LOCAL), "--data", folder.name, "--orders-count", str(ORDERS), "--rate-limit", "off"]
        programs.append(subprocess.Popen(stevedore, cwd=ROOT, stdout=log, stderr=log))
        wait("ministack", lambda: answers(ENDPOINT))
        wait("the sandbox", lambda: answers(f"http://127.0.0.1:{LOCAL + 2}"))

        outputs = deploy(binaries, f"http://127.0.0.1:{LOCAL + 2}/")
        print("deployed:", ", ".join(sorted(outputs)))
        set_up()
        from_day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 90 * 86400))
        operation, _ = api("POST", "/v1/operations", {"kind": "load_orders", "from": from_day})

        def settled():
            now, _ = api("GET", f"/v1/operations/{operation['id']}")
            return now if now["state"] in ("completed", "failed") else None

        ended = wait("the load", settled)
        sales = every("/v1/sales")
        print("operation:", ended["state"], json.dumps(ended["counts"]))
        print("sales:", len(sales))
        booked = ended["counts"].get("captured", 0)
        if ended["state"] != "completed" or booked == 0 or len(sales) != len(every("/v1/log?state=booked")):
            raise SystemExit("not every captured order is one sale")
        for sale in sales:
            shown, _ = api("GET", f"/v1/sales/{sale['id']}")
            if shown["total"] != sale["total"]:
                raise SystemExit(f"{sale['id']} differs from its list")
        # Again: nothing is booked twice.
        tick = invoke("fetch-orders", {"source": "aws.scheduler", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})
        print("a tick:", json.dumps(tick))
        dead, _ = api("GET", "/v1/dead-letters")
        if len(every("/v1/sales")) != len(sales) or dead["items"]:
            raise SystemExit("the second reading changed something")
        print("passed")
    finally:
        for program in reversed(programs):
            program.terminate()
            program.wait()
        folder.cleanup()


if __name__ == "__main__":
    main()
