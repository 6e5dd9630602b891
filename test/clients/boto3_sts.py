"""What boto3's clients of STS and S3 do with the server and temporary credentials. sts.spec.ts runs it.

The endpoint and the keys come from the environment. A failed assertion ends the program with a traceback.
"""

import json
import os
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
BUCKET = "boto3-sts"


def sts(**credentials):
    return boto3.client("sts", endpoint_url=ENDPOINT, **credentials)


def s3(**credentials):
    config = Config(s3={"addressing_style": "path"}, signature_version="s3v4")
    return boto3.client("s3", endpoint_url=ENDPOINT, config=config, **credentials)


def keys_of(answer):
    credentials = answer["Credentials"]
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def code_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


identity = sts().get_caller_identity()
account = identity["Account"]
assert identity["Arn"].startswith(f"arn:aws:iam::{account}:user/"), identity
s3().create_bucket(Bucket=BUCKET)

# A session token: all that the user may, streams and presigned URLs too.
session = keys_of(sts().get_session_token(DurationSeconds=900))
own = s3(**session)
own.put_object(Bucket=BUCKET, Key="in/a", Body=b"inside")
own.put_object(Bucket=BUCKET, Key="out/a", Body=b"outside")
own.upload_file(__file__, BUCKET, "in/script")
url = own.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "in/a"}, ExpiresIn=60)
with urllib.request.urlopen(url) as answer:
    assert answer.read() == b"inside"
assert code_of(sts(**session).get_session_token) == "AccessDenied"

# A role with a policy: what both allow.
policy = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"arn:aws:s3:::{BUCKET}/in/*"]},
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": [f"arn:aws:s3:::{BUCKET}"],
            "Condition": {"StringLike": {"s3:prefix": ["in/*"]}},
        },
    ],
}
role = f"arn:aws:iam::{account}:role/reader"
assumed = sts().assume_role(RoleArn=role, RoleSessionName="boto3", Policy=json.dumps(policy))
reader_keys = keys_of(assumed)
reader = s3(**reader_keys)
assert reader.get_object(Bucket=BUCKET, Key="in/a")["Body"].read() == b"inside"
listed = reader.list_objects_v2(Bucket=BUCKET, Prefix="in/")
assert [entry["Key"] for entry in listed["Contents"]] == ["in/a", "in/script"], listed
assert code_of(reader.get_object, Bucket=BUCKET, Key="out/a") == "AccessDenied"
assert code_of(reader.put_object, Bucket=BUCKET, Key="in/a", Body=b"x") == "AccessDenied"
assert code_of(reader.list_objects_v2, Bucket=BUCKET) == "AccessDenied"
caller = sts(**reader_keys).get_caller_identity()
assert caller["Arn"] == assumed["AssumedRoleUser"]["Arn"], caller

# Refusals that programs tell apart by their codes.
broken = {**reader_keys, "aws_session_token": reader_keys["aws_session_token"][:-4] + "AAAA"}
assert code_of(s3(**broken).get_object, Bucket=BUCKET, Key="in/a") == "InvalidToken"
assert code_of(sts(**broken).get_caller_identity) == "InvalidClientTokenId"
assert code_of(sts().assume_role, RoleArn=role, RoleSessionName="boto3", Policy="{") == "MalformedPolicyDocument"
other = "arn:aws:iam::000000000000:role/reader"
assert code_of(sts().assume_role, RoleArn=other, RoleSessionName="boto3") == "AccessDenied"
