"""Makes the bucket of the stack once, before anything asks for it; who made it is its owner."""

import boto3
from botocore.exceptions import ClientError

BUCKET = "churn"
OURS = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")

try:
    boto3.client("s3").create_bucket(Bucket=BUCKET)
except ClientError as error:
    if error.response["Error"]["Code"] not in OURS:
        raise
