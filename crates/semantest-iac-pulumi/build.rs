//! Compiles `proto/provider.proto`; no `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto/provider.proto");
    let descriptors = protox::compile(["proto/provider.proto"], ["proto"])?;
    let compiler = tonic_prost_build::configure().build_transport(false);
    compiler.generate_default_stubs(true).compile_fds(descriptors)?;
    Ok(())
}
