//! Pulumi's protocol, generated from `proto/provider.proto`.

#![allow(missing_docs, unused_qualifications, clippy::all, reason = "generated")]

tonic::include_proto!("pulumirpc");
