"""Translates infra/template.yaml as SAM does and lints the result.

cfn-lint checks little inside SAM's own resources, so the template is translated first. For the translation, the code of
the functions must have an address in S3. An invented address is used, because nothing is deployed.
"""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "infra" / "template.yaml"
REGION = "us-west-2"

os.environ["AWS_DEFAULT_REGION"] = REGION
os.environ["SAM_CLI_TELEMETRY"] = "0"

from samtranslator.parser.parser import Parser  # noqa: E402
from samtranslator.public.exceptions import InvalidDocumentException  # noqa: E402
from samtranslator.translator.translator import Translator  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402


def translated():
    template = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://code/{name}.zip"
    parameters = {
        name: parameter.get("Default", "https://example.com/")
        for name, parameter in template["Parameters"].items()
    }
    # The template contains every role in full, so there is no managed policy to look up.
    return Translator({}, Parser()).translate(template, parameters)


def main():
    lint = pathlib.Path(sys.executable).with_name("cfn-lint")
    try:
        result = translated()
    except InvalidDocumentException as error:
        for cause in [error.message, *(each.message for each in error.causes)]:
            print(cause, file=sys.stderr)
        return 1
    out = ROOT / "target" / "template.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(result, indent=2), encoding="utf-8")
    for template in (TEMPLATE, out):
        run = subprocess.run([lint, "--regions", REGION, "--non-zero-exit-code", "warning", "--template", template], check=False)
        if run.returncode != 0:
            return run.returncode
    print(f"infra/template.yaml: {len(result['Resources'])} resources, no complaints")
    return 0


if __name__ == "__main__":
    sys.exit(main())
