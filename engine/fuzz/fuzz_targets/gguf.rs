//! Any bytes as a model file: an error or a file, never a panic. Of a file everything can be read: each value, each tensor, a
//! model if the keys and tensors are those of one, and its tokenizer.
#![no_main]

use engine::{
    Model,
    gguf::{File, Value},
};
use libfuzzer_sys::fuzz_target;

/// Elements of a tensor that are decoded at most: an empty format could claim any number.
const DECODED_MAX: usize = 1 << 16;

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = File::parse(bytes.to_vec().into()) else { return };
    for (_, value) in file.entries() {
        if let Value::Array(array) = value {
            assert_eq!(array.iter().count(), array.len());
        }
    }
    for tensor in file.tensors() {
        let (format, shape) = (tensor.format(), tensor.shape());
        let stored = file.tensor_bytes(tensor);
        assert_eq!(Some(stored.len()), format.n_bytes(shape));
        if format.check(stored, shape).is_ok() && tensor.n_elements() <= DECODED_MAX {
            let mut out = vec![0.0; tensor.n_elements()];
            format.decode(stored, shape, 0, &mut out).expect("a checked tensor decodes");
        }
    }
    if let Ok(model) = Model::from_bytes(bytes.to_vec().into()) {
        let _ = model.tokenizer();
    }
});
