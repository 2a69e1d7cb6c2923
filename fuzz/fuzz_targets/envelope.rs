//! Any bytes are an event or an error; what was read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use semantest_iac_core::events::envelope::Envelope;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = Envelope::from_json(bytes) {
        assert_eq!(Envelope::from_json(&envelope.to_json()).expect("what we write we read"), envelope);
    }
});
