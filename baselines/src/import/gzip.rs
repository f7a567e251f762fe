//! Gzip, known by its magic, never by a file's name.
//! In: bytes. Out: the plain bytes, at most [`MAX_BYTES`]. Source: RFC 1952; a file may hold several members.

use std::{borrow::Cow, io::Read as _};

use flate2::read::MultiGzDecoder;

use super::{MAX_BYTES, fault::malformed};
use crate::Result;

const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// # Errors
/// `Malformed`: a broken stream, or more plain bytes than [`MAX_BYTES`]; a bomb is left at that size, not unpacked.
pub(super) fn plain(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    plain_up_to(bytes, MAX_BYTES)
}

fn plain_up_to(bytes: &[u8], max_bytes: usize) -> Result<Cow<'_, [u8]>> {
    let plain = if bytes.starts_with(&MAGIC) {
        let mut unpacked = Vec::new();
        let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
        MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut unpacked).map_err(|error| {
            let found = format!("a broken one ({error}) after {} plain bytes", unpacked.len());
            malformed(1, "a gzip stream", &found, "fetch the file again, or unpack it")
        })?;
        Cow::Owned(unpacked)
    } else {
        Cow::Borrowed(bytes)
    };
    if plain.len() > max_bytes {
        let expected = format!("at most {max_bytes} plain bytes");
        return Err(malformed(1, &expected, "more", "split the file"));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::{plain, plain_up_to};

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn plain_bytes_stay_and_packed_ones_come_back_member_after_member() {
        assert_eq!(&*plain(b"abc").expect("plain"), b"abc");
        let two = [packed(b"abc"), packed(b"def")].concat();
        assert_eq!(&*plain(&two).expect("two members"), b"abcdef");
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = packed(&vec![0; 1 << 20]);
        assert!(bomb.len() < 2_000, "{}", bomb.len());
        let error = plain_up_to(&bomb, 1_000).expect_err("a thousand times too large");
        assert!(error.to_string().contains("at most 1000 plain bytes"), "{error}");
        assert_eq!(plain_up_to(&bomb, 1 << 20).expect("just fits").len(), 1 << 20);
    }

    #[test]
    fn a_stream_cut_anywhere_or_of_magic_alone_is_an_error() {
        let whole = packed(b"BenchmarkA 1 1 ns/op\n");
        for n in 2..whole.len() {
            let error = plain(&whole[..n]).expect_err("cut");
            assert!(error.to_string().contains("expected a gzip stream"), "{n}: {error}");
        }
    }
}
