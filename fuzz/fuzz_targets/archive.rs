//! Any bytes are unpacked inside the folder, or refused; nothing is written beside it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use semantest_iac_local::archive::{check, unpack};

fuzz_target!(|bytes: &[u8]| {
    let outer = tempfile::tempdir().expect("a folder");
    let unpacked = unpack(bytes, &outer.path().join("inner"));
    assert_eq!(unpacked.is_ok(), check(bytes).is_ok(), "what is judged good can be unpacked");
    let beside = std::fs::read_dir(outer.path()).expect("a folder").flatten();
    assert!(beside.into_iter().all(|entry| entry.file_name() == "inner"));
});
