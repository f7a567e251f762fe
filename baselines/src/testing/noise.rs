//! A small seeded generator for scripted noise: `SplitMix64` (Steele, Lea, Flood 2014), the same on every platform.

/// One stream of draws.
pub(super) struct Noise(u64);

impl Noise {
    /// The stream called `label` under `seed`.
    pub(super) fn new(seed: u64, label: &str) -> Self {
        // FNV-1a over the label keeps the streams apart.
        let folded = label.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        let mut noise = Self(seed ^ folded);
        noise.next_u64();
        noise
    }

    pub(super) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform below `n`; the bias of the remainder does not matter for scripted data.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next_u64() % n
    }

    /// Roughly normal, mean 0, standard deviation 1: the sum of twelve uniforms (Irwin–Hall), no `exp` or `ln`.
    pub(super) fn normal(&mut self) -> f64 {
        (0..12).map(|_| f64::from((self.next_u64() >> 32) as u32) / 4_294_967_296.0).sum::<f64>()
            - 6.0
    }

    /// `typical` with a relative standard deviation of `spread`, in whole units.
    pub(super) fn around(&mut self, typical: f64, spread: f64) -> f64 {
        (typical * (1.0 + spread * self.normal())).round()
    }
}
