#![no_main]

include!("../product.rs");

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::duration(data));
