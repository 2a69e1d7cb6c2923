//! How code and layers reach Lambda: with the call itself, or, where it is too large for that, by way of a bucket that
//! lives only as long as the upload.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tag, Tagging};
use semantest_iac_core::Result;
use semantest_iac_core::ports::provider::{Change, Operation};
use sha2::{Digest, Sha256};

use crate::clients::Clients;
use crate::error::{Failure, failed, foreign};
use crate::ownership::{self, Tags};

/// Lambda's limit for a package within the call, in bytes.
///
/// Source: AWS Lambda developer guide, "Lambda quotas": deployment package (.zip) 50 MB, zipped, direct upload.
const INLINE_LIMIT: usize = 50 * 1000 * 1000;

/// Where the code of a call comes from.
pub(crate) enum Code {
    Inline(Vec<u8>),
    InBucket { bucket: String, key: String },
}

/// What is uploaded.
pub(crate) struct Upload<'a> {
    /// SHA-256 (hex) of the package.
    pub package: &'a str,
    /// Name of the function or layer.
    pub of: &'a str,
    /// The user's tags.
    pub tags: &'a Tags,
}

/// Makes the package of `wanted` ready for a call; large ones are uploaded.
pub(crate) async fn code(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Upload<'_>,
) -> Result<Code> {
    let zip = aws.artifacts.get(wanted.package).await?;
    if zip.len() <= INLINE_LIMIT {
        return Ok(Code::Inline(zip));
    }
    let bucket = bucket(aws, wanted.of).await?;
    ensure_bucket(aws, change, operation, &bucket, wanted).await?;
    let key = format!("{}.zip", wanted.package);
    tracing::info!("uploading {} MB for `{}`", zip.len() / 1_000_000, wanted.of);
    let sent = aws.s3.put_object().bucket(&bucket).key(&key).body(ByteStream::from(zip)).send().await;
    sent.map_err(|error| failed("s3.PutObject", error))?;
    Ok(Code::InBucket { bucket, key })
}

/// Takes the upload away again: Lambda has its own copy. What cannot be taken away now is so after the
/// next upload.
pub(crate) async fn clean_up(aws: &Clients, code: &Code) {
    let Code::InBucket { bucket, key } = code else { return };
    if let Err(error) = aws.s3.delete_object().bucket(bucket).key(key).send().await {
        tracing::debug!(bucket, error = %Failure::of(&error).into_error("s3.DeleteObject"), "left for later");
        return;
    }
    if let Err(error) = aws.s3.delete_bucket().bucket(bucket).send().await {
        tracing::debug!(bucket, error = %Failure::of(&error).into_error("s3.DeleteBucket"), "left for later");
    }
}

/// A bucket of its own: no two uploads are in each other's way. Names are unique in all of AWS.
async fn bucket(aws: &Clients, of: &str) -> Result<String> {
    let account = &aws.identity().await?.account;
    let digest = hex::encode(Sha256::digest(format!("{account}/{}/{of}", aws.region)));
    Ok(format!("semantest-{}", &digest[..32]))
}

async fn ensure_bucket(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    bucket: &str,
    wanted: &Upload<'_>,
) -> Result<()> {
    let call = aws.s3.create_bucket().bucket(bucket);
    // The oldest region is the one that must not be named.
    let call = match aws.region.as_str() {
        "us-east-1" => call,
        region => call.create_bucket_configuration(
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(region))
                .build(),
        ),
    };
    match call.send().await.map_err(|error| Failure::of(&error)) {
        Ok(_) => {}
        Err(failure) if failure.is(&["BucketAlreadyOwnedByYou"]) => {}
        Err(failure) if failure.is(&["BucketAlreadyExists"]) => return Err(foreign("bucket", bucket)),
        Err(failure) => return Err(failure.into_error("s3.CreateBucket")),
    }
    let tags = ownership::tags(&change.resource.tags, operation, wanted.tags);
    let tags = tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok());
    let Ok(tagging) = Tagging::builder().set_tag_set(Some(tags.collect())).build() else { return Ok(()) };
    let sent = aws.s3.put_bucket_tagging().bucket(bucket).tagging(tagging).send().await;
    sent.map(drop).map_err(|error| failed("s3.PutBucketTagging", error))
}
