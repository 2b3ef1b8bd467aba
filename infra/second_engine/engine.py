"""ministack on this machine: started, and the template deployed to it.

Functions, queues, event source mappings, table, secret and schedules are made by CloudFormation from
infra/template.yaml, and every function works under the role that the template gives it: ministack evaluates the
policies of each call (`AUTH`). Six things differ from AWS: the architecture is this machine's, ShipStation is the
sandbox, `Ref` of a secret is written as its ARN, a grant of a queue's call also names its batch, the queues' TLS-only
policies are left out, and an alarm over several metrics watches the first of them.
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
# IAM knows the left alone, and a batch needs the same permission (SQS developer guide, "Amazon SQS API permissions");
# ministack asks for the right.
BATCHES = {
    "sqs:SendMessage": "sqs:SendMessageBatch",
    "sqs:DeleteMessage": "sqs:DeleteMessageBatch",
    "sqs:ChangeMessageVisibility": "sqs:ChangeMessageVisibilityBatch",
}

# The account's root, which deploys and which no policy limits.
OPTIONS = {
    "endpoint_url": ENDPOINT,
    "region_name": check_template.REGION,
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


class Failed(SystemExit):
    """A step of the rehearsal failed."""


def client(service):
    return boto3.client(service, **OPTIONS)


def wait(what, ready, patience=PATIENCE):
    """Waits until `ready` returns a true value, and returns it."""
    end, looked = time.monotonic() + patience, 0
    while time.monotonic() < end:
        answer = ready()
        if answer:
            return answer
        time.sleep(0.3)
        if time.monotonic() > looked + 5:
            looked = time.monotonic()
            fail_on_refusals()
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
    """Starts ministack with evaluation of policies."""
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
    program = subprocess.Popen([hypercorn, "ministack.app:app", "--bind", f"127.0.0.1:{PORT}"], env=environment, stdout=log, stderr=log, start_new_session=True)
    wait("ministack", lambda: answers(ENDPOINT))
    return program


def package(function, binaries):
    """Returns the function's zip: that of the release, or one made of a binary."""
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
    """Converts parameters to numbers where a property is a number. CloudFormation does this; ministack does not."""
    if isinstance(value, dict):
        reference = parameters.get(value.get("Ref"), {})
        if reference.get("Type") == "Number" and len(value) == 1:
            return int(reference["Default"])
        return {key: with_numbers(member, parameters) for key, member in value.items()}
    if isinstance(value, list):
        return [with_numbers(member, parameters) for member in value]
    return value


def with_secret_arns(value, secrets):
    """Replaces `Ref` of a secret by its ARN, as in AWS. ministack returns its name, which no policy of an ARN matches."""
    if isinstance(value, dict):
        if len(value) == 1 and value.get("Ref") in secrets:
            return {"Fn::GetAtt": [value["Ref"], "Arn"]}
        return {key: with_secret_arns(member, secrets) for key, member in value.items()}
    if isinstance(value, list):
        return [with_secret_arns(member, secrets) for member in value]
    return value


def with_batches(resources):
    """Adds ministack's name of the batch call to each grant of a queue's call."""
    for resource in resources.values():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"].get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                    statement["Action"] = [*actions, *(BATCHES[action] for action in actions if action in BATCHES)]


def with_single_metrics(resources):
    """ministack's alarms have no expressions: an alarm over several metrics watches the first of them."""
    for resource in resources.values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in properties:
            stat = next(part["MetricStat"] for part in properties.pop("Metrics") if "MetricStat" in part)
            properties.update(**stat["Metric"], Period=stat["Period"], Statistic=stat["Stat"])


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
    with_batches(template["Resources"])
    with_single_metrics(template["Resources"])
    # These policies refuse calls without TLS, and ministack is called without it.
    for name in [name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::SQS::QueuePolicy"]:
        del template["Resources"][name]
    # The sandbox uses plain HTTP, which the functions allow on this machine only.
    del template["Parameters"]["ShipStationUrl"]["AllowedPattern"]
    parameters = {"JwtIssuer": "https://issuer.example/", "JwtAudience": "audience", "ShipStationUrl": shipstation}
    # The template is longer than a request may be. `sam deploy` also uploads it.
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
    """Invokes a function and returns its answer; a `tolerant` caller gets None from a killed invocation."""
    reply = client("lambda").invoke(FunctionName=f"{STACK}-{function}", Payload=json.dumps(event))
    body = json.loads(reply["Payload"].read() or "null")
    if reply.get("FunctionError"):
        if tolerant:
            return None
        raise Failed(f"{function} failed: {body}")
    return body


def shorten_times():
    """Shortens times, so that the work of a killed invocation is free after two minutes instead of an hour and a half.

    The order of the times stays that of the template: an invocation's own time, the lease of its work (a minute more at
    most), and then the next delivery of the message. As in AWS, work that does not end in one invocation continues in
    the next one.
    """
    functions = client("lambda")
    for function in ("fetch-orders", "run-operations", "consolidate"):
        functions.update_function_configuration(FunctionName=f"{STACK}-{function}", Timeout=45)
    sqs = client("sqs")
    for queue, seconds in (("orders", 30), ("commands", 120), ("consolidation", 120)):
        url = sqs.get_queue_url(QueueName=f"{STACK}-{queue}")["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})


def functions_of(program):
    """Returns the process ids of the running functions: the children of ministack that run a `bootstrap`."""
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
    """Kills a function during its work."""
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


_LOOKED = 0


def fail_on_refusals():
    """Fails if ministack logged a refused call of a role since the last check."""
    global _LOOKED
    if not LOG.exists():
        return
    with LOG.open(encoding="utf-8", errors="replace") as log:
        log.seek(_LOOKED)
        text = log.read()
        _LOOKED = log.tell()
    refused = sorted({line.strip()[:600] for line in text.splitlines() if "is not authorized to perform" in line or "AccessDenied" in line})
    if refused:
        raise Failed("roles refused calls:\n" + "\n".join(refused[:20]))
