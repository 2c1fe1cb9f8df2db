//! Whatever the bytes are, the header reader gives an error or tensors that lie within the file, and never two of one
//! name.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(header) = gguf::Header::read(bytes, bytes.len() as u64) else { return };
    let mut names = HashSet::new();
    for tensor in &header.tensors {
        let end = header.data_offset + tensor.offset + tensor.size;
        assert!(end <= bytes.len() as u64, "{} ends at {end}", tensor.name);
        assert!(names.insert(&tensor.name), "{} is there twice", tensor.name);
        assert!(tensor.shape.iter().product::<u64>() > 0 && tensor.size > 0);
    }
    for span in &header.spans {
        assert!(span.bytes.start <= span.bytes.end && span.bytes.end <= bytes.len() as u64);
        assert!(header.metadata.contains_key(&span.name));
    }
});
