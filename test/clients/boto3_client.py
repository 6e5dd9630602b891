"""What boto3 does with the server. Each function is one test; boto3.spec.ts runs them by name.

The endpoint and the keys come from the environment. A failed assertion ends the program with a traceback.
"""

import base64
import hashlib
import io
import os
import sys
import urllib.error
import urllib.request
import zlib

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError, MissingDependencyException

MIB = 1024 * 1024
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
KEYS = [
    "plain",
    "with space",
    "a//b/",
    "../x",
    ".",
    "trailing/",
    "100%",
    "%2F",
    "a+b=c&d?e#f",
    "Grüße/aus/Köln",
    "文件/ファイル/файл",
    "😀",
    "x",
    "x/y",
    "quote'\"<>&",
    "k" * 1024,
]


def client(**options):
    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **options)
    return boto3.client("s3", endpoint_url=ENDPOINT, config=config)


S3 = client()


def bucket(name):
    full_name = "boto3-" + name.replace("_", "-")
    S3.create_bucket(Bucket=full_name)
    return full_name


def code_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "no error"


def body_of(answer):
    return answer["Body"].read()


def crc32_of(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def put_and_get():
    name = bucket("put_and_get")
    data = os.urandom(100_000)
    put = S3.put_object(
        Bucket=name,
        Key="k",
        Body=data,
        ContentType="text/x-test",
        CacheControl="max-age=5",
        Metadata={"colour": "blue", "size": "big"},
    )
    assert put["ETag"] == '"%s"' % hashlib.md5(data).hexdigest()
    got = S3.get_object(Bucket=name, Key="k")
    assert body_of(got) == data
    assert got["ContentType"] == "text/x-test" and got["CacheControl"] == "max-age=5"
    assert got["Metadata"] == {"colour": "blue", "size": "big"}
    part = S3.get_object(Bucket=name, Key="k", Range="bytes=10-19")
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert part["ContentRange"] == "bytes 10-19/100000" and body_of(part) == data[10:20]
    assert body_of(S3.get_object(Bucket=name, Key="k", Range="bytes=-7")) == data[-7:]
    assert code_of(S3.get_object, Bucket=name, Key="k", Range="bytes=100000-") == "InvalidRange"
    assert S3.head_object(Bucket=name, Key="k")["ContentLength"] == 100_000
    S3.delete_object(Bucket=name, Key="k")
    assert code_of(S3.get_object, Bucket=name, Key="k") == "NoSuchKey"
    assert code_of(S3.head_object, Bucket=name, Key="k") == "404"
    assert code_of(S3.get_object, Bucket="boto3-no-such-bucket", Key="k") == "NoSuchBucket"


def streams():
    name = bucket("streams")
    data = os.urandom(3 * MIB + 1)
    S3.upload_fileobj(io.BytesIO(data), name, "k")
    out = io.BytesIO()
    S3.download_fileobj(name, "k", out)
    assert out.getvalue() == data


def keys_of_all_kinds():
    name = bucket("keys_of_all_kinds")
    for number, key in enumerate(KEYS):
        S3.put_object(Bucket=name, Key=key, Body=b"%d" % number)
    for number, key in enumerate(KEYS):
        assert body_of(S3.get_object(Bucket=name, Key=key)) == b"%d" % number, key
    listed = [entry["Key"] for entry in S3.list_objects_v2(Bucket=name)["Contents"]]
    assert listed == sorted(KEYS, key=lambda key: key.encode()), listed
    assert code_of(S3.put_object, Bucket=name, Key="k" * 1025, Body=b"") == "KeyTooLongError"
    deleted = S3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": key} for key in KEYS]})
    assert sorted(entry["Key"] for entry in deleted["Deleted"]) == sorted(KEYS)
    assert S3.list_objects_v2(Bucket=name)["KeyCount"] == 0


def listing():
    name = bucket("listing")
    keys = ["%s/%02d" % (folder, number) for folder in "abc" for number in range(10)] + ["top"]
    for key in keys:
        S3.put_object(Bucket=name, Key=key, Body=b"")
    for version in ("list_objects_v2", "list_objects"):
        pages = S3.get_paginator(version).paginate(Bucket=name, PaginationConfig={"PageSize": 7})
        assert [entry["Key"] for page in pages for entry in page["Contents"]] == sorted(keys)
        pages = S3.get_paginator(version).paginate(Bucket=name, Delimiter="/", PaginationConfig={"PageSize": 2})
        found = list(pages)
        assert [entry["Prefix"] for page in found for entry in page.get("CommonPrefixes", [])] == ["a/", "b/", "c/"]
        assert [entry["Key"] for page in found for entry in page.get("Contents", [])] == ["top"]
    page = S3.list_objects_v2(Bucket=name, Prefix="b/", StartAfter="b/04", MaxKeys=2)
    assert [entry["Key"] for entry in page["Contents"]] == ["b/05", "b/06"] and page["IsTruncated"]
    assert code_of(S3.delete_bucket, Bucket=name) == "BucketNotEmpty"


def multipart():
    name = bucket("multipart")
    data = os.urandom(17 * MIB + 5)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    S3.upload_fileobj(io.BytesIO(data), name, "k", Config=config, ExtraArgs={"Metadata": {"a": "b"}})
    head = S3.head_object(Bucket=name, Key="k")
    parts = [data[at : at + 5 * MIB] for at in range(0, len(data), 5 * MIB)]
    whole = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert head["ETag"] == '"%s-%d"' % (whole, len(parts)) and head["Metadata"] == {"a": "b"}
    assert body_of(S3.get_object(Bucket=name, Key="k")) == data
    second = S3.get_object(Bucket=name, Key="k", PartNumber=2)
    assert second["PartsCount"] == len(parts) and body_of(second) == parts[1]
    across = S3.get_object(Bucket=name, Key="k", Range="bytes=%d-%d" % (5 * MIB - 3, 5 * MIB + 3))
    assert body_of(across) == data[5 * MIB - 3 : 5 * MIB + 4]


def multipart_by_hand():
    name = bucket("multipart_by_hand")
    upload = S3.create_multipart_upload(Bucket=name, Key="k")["UploadId"]
    where = {"Bucket": name, "Key": "k", "UploadId": upload}
    first, last = os.urandom(5 * MIB), os.urandom(9)
    S3.upload_part(**where, PartNumber=1, Body=b"replaced later")
    etags = {
        7: S3.upload_part(**where, PartNumber=7, Body=last)["ETag"],
        1: S3.upload_part(**where, PartNumber=1, Body=first)["ETag"],
    }
    assert [part["PartNumber"] for part in S3.list_parts(**where)["Parts"]] == [1, 7]
    assert [entry["UploadId"] for entry in S3.list_multipart_uploads(Bucket=name)["Uploads"]] == [upload]
    assert code_of(S3.get_object, Bucket=name, Key="k") == "NoSuchKey"
    wrong = {"Parts": [{"PartNumber": 7, "ETag": etags[7]}, {"PartNumber": 1, "ETag": etags[1]}]}
    assert code_of(S3.complete_multipart_upload, **where, MultipartUpload=wrong) == "InvalidPartOrder"
    right = {"Parts": [{"PartNumber": number, "ETag": etags[number]} for number in (1, 7)]}
    S3.complete_multipart_upload(**where, MultipartUpload=right)
    assert body_of(S3.get_object(Bucket=name, Key="k")) == first + last

    aborted = S3.create_multipart_upload(Bucket=name, Key="aborted")["UploadId"]
    S3.upload_part(Bucket=name, Key="aborted", UploadId=aborted, PartNumber=1, Body=b"x")
    S3.abort_multipart_upload(Bucket=name, Key="aborted", UploadId=aborted)
    assert code_of(S3.list_parts, Bucket=name, Key="aborted", UploadId=aborted) == "NoSuchUpload"


def copies():
    name = bucket("copies")
    data = os.urandom(12 * MIB)
    S3.put_object(Bucket=name, Key="Grüße +1", Body=data, Metadata={"a": "b"}, ContentType="text/x-one")
    source = {"Bucket": name, "Key": "Grüße +1"}
    S3.copy_object(Bucket=name, Key="copy", CopySource=source)
    copy = S3.get_object(Bucket=name, Key="copy")
    assert body_of(copy) == data and copy["Metadata"] == {"a": "b"} and copy["ContentType"] == "text/x-one"
    S3.copy_object(Bucket=name, Key="copy", CopySource=source, MetadataDirective="REPLACE", Metadata={"c": "d"})
    assert S3.head_object(Bucket=name, Key="copy")["Metadata"] == {"c": "d"}
    S3.copy(source, name, "parts", Config=TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB))
    in_parts = S3.get_object(Bucket=name, Key="parts")
    assert body_of(in_parts) == data and in_parts["ETag"].endswith('-3"')
    assert code_of(S3.copy_object, Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": "none"}) == "NoSuchKey"


def presigned():
    name = bucket("presigned")
    data = os.urandom(10_000)
    where = {"Bucket": name, "Key": "a b/ü"}
    # boto3 presigns with signature version 2 unless it is told.
    signer = client(signature_version="s3v4")
    put = signer.generate_presigned_url("put_object", Params=where, ExpiresIn=60)
    urllib.request.urlopen(urllib.request.Request(put, data=data, method="PUT")).read()
    get = signer.generate_presigned_url("get_object", Params={**where, "ResponseContentType": "text/x-own"}, ExpiresIn=60)
    with urllib.request.urlopen(get) as answer:
        assert answer.headers["content-type"] == "text/x-own" and answer.read() == data
    try:
        urllib.request.urlopen(get.replace("%20b", "%20c"))
        raise AssertionError("a changed URL was accepted")
    except urllib.error.HTTPError as error:
        assert error.code == 403, error.code


def checksums():
    name = bucket("checksums")
    data = os.urandom(200_000)
    sha256 = base64.b64encode(hashlib.sha256(data).digest()).decode()
    for algorithm, value in {"CRC32": crc32_of(data), "SHA256": sha256, "SHA1": None, "CRC64NVME": None, "CRC32C": None}.items():
        try:
            # A stream that can't be rewound makes boto3 send the checksum in a trailer.
            put = S3.put_object(Bucket=name, Key=algorithm, Body=io.BytesIO(data), ChecksumAlgorithm=algorithm)
        except MissingDependencyException:
            # Without the CRT extension boto3 knows only the algorithms of Python's own library.
            continue
        got = S3.get_object(Bucket=name, Key=algorithm, ChecksumMode="ENABLED")
        assert body_of(got) == data
        assert got["Checksum" + algorithm] == put["Checksum" + algorithm]
        assert value is None or got["Checksum" + algorithm] == value
    assert code_of(S3.put_object, Bucket=name, Key="bad", Body=data, ChecksumCRC32="AAAAAA==") == "BadDigest"
    assert code_of(S3.put_object, Bucket=name, Key="bad", Body=data, ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==") == "BadDigest"
    assert code_of(S3.get_object, Bucket=name, Key="bad") == "NoSuchKey"


def payload_modes():
    name = bucket("payload_modes")
    data = os.urandom(150_000)
    signed = client(
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    signed.put_object(Bucket=name, Key="signed", Body=data)
    assert body_of(signed.get_object(Bucket=name, Key="signed")) == data
    wrong = boto3.client(
        "s3",
        endpoint_url=ENDPOINT,
        aws_secret_access_key="x" * 40,
        aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    assert code_of(wrong.list_buckets) == "SignatureDoesNotMatch"


def conditional_writes():
    name = bucket("conditional_writes")
    first = S3.put_object(Bucket=name, Key="k", Body=b"one", IfNoneMatch="*")["ETag"]
    assert code_of(S3.put_object, Bucket=name, Key="k", Body=b"two", IfNoneMatch="*") == "PreconditionFailed"
    assert code_of(S3.put_object, Bucket=name, Key="k", Body=b"two", IfMatch='"00"') == "PreconditionFailed"
    assert body_of(S3.get_object(Bucket=name, Key="k")) == b"one"
    S3.put_object(Bucket=name, Key="k", Body=b"two", IfMatch=first)
    assert code_of(S3.get_object, Bucket=name, Key="k", IfMatch=first) == "PreconditionFailed"
    now = S3.head_object(Bucket=name, Key="k")["ETag"]
    assert code_of(S3.get_object, Bucket=name, Key="k", IfNoneMatch=now) == "304"


def attributes():
    name = bucket("attributes")
    S3.put_object(Bucket=name, Key="k", Body=b"12345", ChecksumAlgorithm="CRC32")
    found = S3.get_object_attributes(
        Bucket=name, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectSize", "StorageClass"]
    )
    assert found["ObjectSize"] == 5 and found["Checksum"]["ChecksumCRC32"] == crc32_of(b"12345")
    assert found["ETag"] == hashlib.md5(b"12345").hexdigest()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
