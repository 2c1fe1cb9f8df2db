//! Whatever the bytes are, the header reader gives an error or tensors that lie side by side up to the file's end, each as
//! long as its shape and type make it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let length = bytes.len() as u64;
    let Ok(tensors) = checkpoint::header(bytes, length) else { return };
    let mut end = tensors.first().map_or(length, |first| first.data.start);
    for tensor in &tensors {
        assert_eq!(tensor.data.start, end, "{} does not follow", tensor.name);
        let bits = tensor.shape.iter().product::<u64>() * tensor.dtype.bitsize() as u64;
        assert_eq!((tensor.data.end - tensor.data.start) * 8, bits, "{}", tensor.name);
        end = tensor.data.end;
    }
    assert_eq!(end, length);
});
