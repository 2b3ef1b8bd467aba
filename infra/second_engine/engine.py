"""ministack on this machine: started, and the template deployed to it.

Functions, queues, event source mappings, table, secret and schedules are made by CloudFormation from
infra/template.yaml, and every function works under the role that the template gives it: ministack evaluates the
policies of each call (`AUTH`). Four things differ from AWS: the architecture is this machine's, ShipStation is the
sandbox, `Ref` of a secret is written as its ARN, and the policies by which queues want TLS are left out.
"""

import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile

import boto3

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / ".ci"))

import check_template  # noqa: E402

PORT = 4597
STACK = "stevedore"
ENDPOINT = f"http://127.0.0.1:{PORT}"
# The slowest step is ministack's polling of queues.
PATIENCE = 240
LOG = ROOT / "target" / "second-engine.log"

# The account's root, which no policy binds: who deploys.
OPTIONS = {
    "endpoint_url": ENDPOINT,
    "region_name": check_template.REGION,
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


class Failed(SystemExit):
    """A step of the rehearsal did not end as it should."""


def client(service):
    return boto3.client(service, **OPTIONS)


def wait(what, ready, patience=PATIENCE):
    """Waits until `ready` returns something, and returns that."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        answer = ready()
        if answer:
            return answer
        time.sleep(0.3)
    raise Failed(f"{what}: not within {patience} seconds")


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def start(log):
    """Starts ministack; policies are evaluated."""
    environment = {
        **os.environ,
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": ENDPOINT,
        "GATEWAY_PORT": str(PORT),
        "LAMBDA_EXECUTOR": "local",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": check_template.REGION,
    }
    hypercorn = pathlib.Path(sys.executable).parent / "hypercorn"
    program = subprocess.Popen([hypercorn, "ministack.app:app", "--bind", f"127.0.0.1:{PORT}"], env=environment, stdout=log, stderr=log)
    wait("ministack", lambda: answers(ENDPOINT))
    return program


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


def with_secret_arns(value, secrets):
    """`Ref` of a secret is its ARN in AWS; ministack answers its name, which no policy of an ARN matches."""
    if isinstance(value, dict):
        if len(value) == 1 and value.get("Ref") in secrets:
            return {"Fn::GetAtt": [value["Ref"], "Arn"]}
        return {key: with_secret_arns(member, secrets) for key, member in value.items()}
    if isinstance(value, list):
        return [with_secret_arns(member, secrets) for member in value]
    return value


def deploy(binaries, shipstation):
    """Deploys the whole template by CloudFormation; returns the stack's outputs."""
    template = check_template.translated()
    s3 = client("s3")
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": check_template.REGION})
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            function = resource["Properties"]["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
            s3.put_object(Bucket="code", Key=f"{name}.zip", Body=package(function, binaries))
            resource["Properties"]["Architectures"] = ["x86_64"]
    template["Resources"] = with_numbers(template["Resources"], template["Parameters"])
    secrets = {name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::SecretsManager::Secret"}
    template["Resources"] = with_secret_arns(template["Resources"], secrets)
    # They refuse what comes without TLS, and ministack is spoken to without it.
    for name in [name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::SQS::QueuePolicy"]:
        del template["Resources"][name]
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
        raise Failed(f"{stack['StackStatus']}: {failed}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def invoke(function, event, tolerant=False):
    """Invokes a function and returns its answer; a `tolerant` caller gets none from an invocation that was killed."""
    reply = client("lambda").invoke(FunctionName=f"{STACK}-{function}", Payload=json.dumps(event))
    body = json.loads(reply["Payload"].read() or "null")
    if reply.get("FunctionError"):
        if tolerant:
            return None
        raise Failed(f"{function} failed: {body}")
    return body


def shorten_visibility(seconds):
    """Messages of a killed invocation come back after `seconds`, so that nobody waits a quarter of an hour for them."""
    sqs = client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        if "dead" not in url.lower():
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})


def functions_of(program):
    """Process ids of the functions at work: the children of ministack that run a `bootstrap`."""
    children = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = int(re.search(r"^PPid:\s*(\d+)", (folder / "status").read_text(), re.M).group(1))
            command = (folder / "cmdline").read_bytes()
        except (OSError, AttributeError):
            continue
        children.setdefault(parent, []).append((int(folder.name), command))
    found, waiting = [], [program.pid]
    while waiting:
        for pid, command in children.get(waiting.pop(), []):
            waiting.append(pid)
            if b"bootstrap" in command:
                found.append(pid)
    return found


def kill(pid):
    """Ends a function in the middle of what it does."""
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


def refusals():
    """Calls that a role refused, as ministack logged them."""
    text = LOG.read_text(encoding="utf-8", errors="replace")
    return sorted({line.strip()[:300] for line in text.splitlines() if "is not authorized to perform" in line or "AccessDenied" in line})
