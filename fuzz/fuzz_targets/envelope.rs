//! Any bytes are an event or an error; what was read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::events::intake;

const BLANK: &[u8] = br#"{"specversion":"1.0","id":"1","source":"/fuzz","type":"org.example.Thing",
    "time":"2026-11-24T09:00:00Z","data":{}}"#;

fuzz_target!(|bytes: &[u8]| {
    let blank = Envelope::from_json(BLANK).expect("an event");
    let _ = intake::read(bytes, &blank);
    if let Ok(envelope) = Envelope::from_json(bytes) {
        assert_eq!(Envelope::from_json(&envelope.to_json()).expect("what we write we read"), envelope);
    }
});
