#![no_main]

#[allow(dead_code, reason = "a target uses one of the checks")]
#[path = "../../parsers.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::credential_lines(data));
