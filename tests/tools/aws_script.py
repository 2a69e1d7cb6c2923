"""What somebody would write by hand: functions behind one HTTP API, 16 calls at once. For `cargo xtask bench aws`.

usage: aws_script.py COUNT ZIP
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

COUNT, ZIP = int(sys.argv[1]), open(sys.argv[2], "rb").read()
ACCOUNT, REGION, NAME = "123456789012", "eu-west-1", "by-hand"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}],
}
settings = Config(max_pool_connections=32)
iam, logs, functions, gateway = (
    boto3.client(name, config=settings) for name in ("iam", "logs", "lambda", "apigatewayv2")
)
pool = ThreadPoolExecutor(16)


def make_function(number, role, api):
    name = f"{NAME}-{number}"
    logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    logs.put_retention_policy(logGroupName=f"/aws/lambda/{name}", retentionInDays=30)
    functions.create_function(
        FunctionName=name, Runtime="python3.12", Handler="app.handler", Role=role, MemorySize=256, Timeout=10,
        Code={"ZipFile": ZIP}, Publish=True,
    )
    while functions.get_function(FunctionName=name)["Configuration"]["State"] == "Pending":
        time.sleep(0.2)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    source = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/*"
    functions.add_permission(
        FunctionName=name, Qualifier="live", StatementId="api", Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com", SourceArn=source,
    )


def make_route(number, api):
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}-{number}:live"
    integration = gateway.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    gateway.create_route(ApiId=api, RouteKey=f"GET /f{number}", Target=f"integrations/{integration}")


role = pool.submit(iam.create_role, RoleName=NAME, AssumeRolePolicyDocument=json.dumps(TRUST))
api = gateway.create_api(Name=NAME, ProtocolType="HTTP")["ApiId"]
arn = role.result()["Role"]["Arn"]
work = [pool.submit(iam.put_role_policy, RoleName=NAME, PolicyName="logs", PolicyDocument=json.dumps(POLICY))]
work += [pool.submit(gateway.create_stage, ApiId=api, StageName="$default", AutoDeploy=True)]
for number in range(COUNT):
    work.append(pool.submit(make_function, number, arn, api))
    work.append(pool.submit(make_route, number, api))
for done in work:
    done.result()
