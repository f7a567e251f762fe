//! One output stream of a command: shown as it comes, its head and tail kept, the whole hashed; memory stays bounded.
//! In: chunks of bytes. Out: [`Captured`].

use std::{
    collections::VecDeque,
    io::{Read, Write as _, stderr},
    sync::{Mutex, PoisonError},
};

use baselines::{
    Digest,
    check::{Captured, KEPT_BYTES, KEPT_HEAD_BYTES},
};
use sha2::{Digest as _, Sha256};

/// What has come so far.
#[derive(Debug, Default)]
pub(super) struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total_bytes: u64,
    hasher: Sha256,
}

impl Kept {
    fn take(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.total_bytes += bytes.len() as u64;
        let (first, rest) = bytes.split_at(bytes.len().min(KEPT_HEAD_BYTES - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(KEPT_BYTES - KEPT_HEAD_BYTES);
        self.tail.drain(..surplus);
    }

    pub(super) fn captured(&self) -> Captured {
        let (mut head, mut tail) = (self.head.clone(), Vec::from(self.tail.clone()));
        if self.total_bytes <= KEPT_BYTES as u64 {
            head.append(&mut tail);
        }
        let digest = Digest::from(<[u8; 32]>::from(self.hasher.clone().finalize()));
        Captured::of(&head, &tail, self.total_bytes, digest)
    }
}

/// Reads `stream` to its end into `kept`, and shows it on stderr.
pub(super) fn copy(mut stream: impl Read, kept: &Mutex<Kept>) {
    let mut chunk = vec![0; 64 << 10];
    loop {
        let n = match stream.read(&mut chunk) {
            Ok(0) => return,
            Ok(n) => n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            // A pipe that cannot be read is over.
            Err(_) => return,
        };
        kept.lock().unwrap_or_else(PoisonError::into_inner).take(&chunk[..n]);
        // A closed stderr is no reason to stop the command.
        let _ = stderr().write_all(&chunk[..n]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(bytes: &[u8], chunk: usize) -> Kept {
        let mut kept = Kept::default();
        bytes.chunks(chunk).for_each(|chunk| kept.take(chunk));
        kept
    }

    #[test]
    fn a_stream_is_whole_up_to_the_limit_and_head_and_tail_beyond_it() {
        for extra in [0_usize, 1, 70_000] {
            let bytes: Vec<u8> = (b'a'..=b'w').cycle().take(KEPT_BYTES + extra).collect();
            for chunk in [4_093, 64 << 10, bytes.len()] {
                let captured = kept(&bytes, chunk).captured();
                assert_eq!(captured.digest, Digest::of(&bytes), "{extra} {chunk}");
                assert_eq!(captured.left_out_bytes, extra as u64);
                let parts = captured.parts().unwrap();
                let head = if extra == 0 { KEPT_BYTES } else { KEPT_HEAD_BYTES };
                assert_eq!(parts.head, bytes[..head], "{extra} {chunk}");
                let tail = if extra == 0 { &[] } else { &bytes[KEPT_HEAD_BYTES + extra..] };
                assert_eq!(parts.tail, tail, "{extra} {chunk}");
            }
        }
    }

    #[test]
    fn memory_does_not_grow_with_the_stream() {
        let mut kept = Kept::default();
        let chunk = vec![b'x'; 64 << 10];
        for _ in 0..1_600 {
            kept.take(&chunk);
            // A ring of bytes grows to the next power of two of what it ever held: the tail and one chunk.
            assert!(kept.head.capacity() + kept.tail.capacity() <= 2 * KEPT_BYTES + (64 << 10));
        }
        assert_eq!(kept.total_bytes, 100 << 20);
    }
}
