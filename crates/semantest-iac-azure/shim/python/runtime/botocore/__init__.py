"""As much of botocore as `boto3` beside it takes."""
