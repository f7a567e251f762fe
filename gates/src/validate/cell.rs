//! Cells: ways in which a machine disturbs a paired session, each with a truth of no difference at all.
//!
//! In: draws, the pair SD, a number of pairs. Out: the log ratio of each pair, in the order taken, as two processes with an
//! order and a level of their own give it.

use super::noise::Noise;

/// One way to be disturbed.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Kebab-case name.
    pub name: &'static str,
    /// What is disturbed, and by how much.
    pub about: &'static str,
    /// Log ratios of `n` pairs of one session with the pair SD asked for.
    pub(super) draw: fn(&mut Noise, f64, usize) -> Vec<f64>,
}

/// All cells, sorted by name.
pub const CELLS: &[Cell] = &[
    Cell {
        name: "bimodal",
        about: "a process is on one of two levels, three in ten on the slow one",
        draw: |noise, sd, n| processes(noise, sd, n, bimodal),
    },
    Cell {
        name: "correlated-pairs",
        about: "pairs follow each other with an autocorrelation of 0.5",
        draw: correlated,
    },
    Cell {
        name: "drift",
        about: "the machine slows down by 40 % over the session, 0.5 % from process to process",
        draw: |noise, sd, n| ordered(noise, sd, n, |process| 0.005 * process),
    },
    Cell {
        name: "layout-1",
        about: "one build of each arm, and 1 % SD between builds of the same code",
        draw: |noise, sd, n| layouts(noise, sd, n, 1),
    },
    Cell {
        name: "layout-4",
        about: "the same with four relinks of each arm",
        draw: |noise, sd, n| layouts(noise, sd, n, 4),
    },
    Cell {
        name: "layout-8",
        about: "the same with eight relinks of each arm",
        draw: |noise, sd, n| layouts(noise, sd, n, 8),
    },
    Cell {
        name: "log-normal",
        about: "times are skewed: the exponential of a normal of SD 0.5",
        draw: |noise, sd, n| processes(noise, sd, n, skewed),
    },
    Cell {
        name: "no-spread",
        about: "every pair has the same log ratio, to the bit",
        draw: |_, _, n| vec![0.0; n],
    },
    Cell {
        name: "normal",
        about: "normal noise of each process",
        draw: |noise, sd, n| processes(noise, sd, n, Noise::normal),
    },
    Cell {
        name: "position-bias",
        about: "the second process of a pair is 3 % slower, whichever arm it is",
        draw: |noise, sd, n| {
            ordered(noise, sd, n, |process| if process % 2.0 == 0.0 { 0.0 } else { 0.03 })
        },
    },
    Cell {
        name: "stragglers",
        about: "normal, and in one pair of ten a process of either arm is 30 % slower",
        draw: stragglers,
    },
    Cell { name: "ticks", about: "normal, 50 ms read from a clock of 1 ms", draw: ticks },
];

/// The cell called `name`.
///
/// # Panics
/// If there is none: names are written in this crate only.
pub(super) fn cell(name: &str) -> &'static Cell {
    CELLS.iter().find(|cell| cell.name == name).expect("the cells are registered")
}

/// Differences of two independent processes whose noise has SD 1.
fn processes(noise: &mut Noise, sd: f64, n: usize, process: fn(&mut Noise) -> f64) -> Vec<f64> {
    let scale = sd / std::f64::consts::SQRT_2;
    (0..n).map(|_| scale * (process(noise) - process(noise))).collect()
}

/// Two levels 0.9 SD apart from their mean, and a little noise: variance 1.
fn bimodal(noise: &mut Noise) -> f64 {
    // Levels 0 and g with shares .7 and .3 have variance .21·g²; the rest is normal.
    let level = if noise.uniform() < 0.3 { (0.9_f64 / 0.21).sqrt() } else { 0.0 };
    level + 0.1_f64.sqrt() * noise.normal()
}

/// The exponential of a normal of SD 0.5, scaled to SD 1.
fn skewed(noise: &mut Noise) -> f64 {
    let variance = 0.25_f64;
    let sd = (variance.exp_m1() * variance.exp()).sqrt();
    libm::exp(0.5 * noise.normal()) / sd
}

fn stragglers(noise: &mut Noise, sd: f64, n: usize) -> Vec<f64> {
    let slow = libm::log(1.3);
    let mut pairs = processes(noise, sd, n, Noise::normal);
    for pair in &mut pairs {
        *pair += match noise.uniform() {
            draw if draw < 0.05 => slow,
            draw if draw < 0.1 => -slow,
            _ => 0.0,
        };
    }
    pairs
}

fn ticks(noise: &mut Noise, sd: f64, n: usize) -> Vec<f64> {
    let scale = sd / std::f64::consts::SQRT_2;
    let mut read = || libm::log((50.0 * libm::exp(scale * noise.normal())).round().max(1.0));
    (0..n).map(|_| read() - read()).collect()
}

/// An autoregression of first order with coefficient 0.5, in its stationary state from the first pair on.
fn correlated(noise: &mut Noise, sd: f64, n: usize) -> Vec<f64> {
    let mut level = noise.normal();
    let mut next = || {
        let now = level;
        level = 0.5 * level + 0.75_f64.sqrt() * noise.normal();
        sd * now
    };
    (0..n).map(|_| next()).collect()
}

/// Normal noise, `n_layouts` builds of each arm. Pair `k` runs build `k` of the base and, so that each meets each, build
/// `k + k ÷ n_layouts` of the head, both modulo `n_layouts`.
fn layouts(noise: &mut Noise, sd: f64, n: usize, n_layouts: usize) -> Vec<f64> {
    let mut builds = || -> Vec<f64> { (0..n_layouts).map(|_| 0.01 * noise.normal()).collect() };
    let (base, head) = (builds(), builds());
    let mut pairs = processes(noise, sd, n, Noise::normal);
    for (k, pair) in pairs.iter_mut().enumerate() {
        *pair += head[(k + k / n_layouts) % n_layouts] - base[k % n_layouts];
    }
    pairs
}

/// Normal noise, and what the place in the session adds to a process: `effect` of its 0-based place. Of each two pairs one runs
/// the base first, which of them is drawn.
fn ordered(noise: &mut Noise, sd: f64, n: usize, effect: fn(f64) -> f64) -> Vec<f64> {
    let mut pairs = processes(noise, sd, n, Noise::normal);
    let mut place = 0.0;
    for two in pairs.chunks_mut(2) {
        let mut base_first = noise.uniform() < 0.5;
        for pair in two {
            let second_minus_first = effect(place + 1.0) - effect(place);
            *pair += if base_first { second_minus_first } else { -second_minus_first };
            base_first = !base_first;
            place += 2.0;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::{CELLS, Noise};

    #[test]
    fn cells_are_sorted_kebab_case_and_described() {
        assert!(CELLS.is_sorted_by(|a, b| a.name < b.name));
        for cell in CELLS {
            let good =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(cell.name.bytes().all(good) && cell.about.len() > 20, "{}", cell.name);
        }
    }

    #[test]
    fn every_cell_has_no_difference_and_at_least_the_spread_asked_for() {
        for cell in CELLS {
            let (mut sum, mut squares, n) = (0.0, 0.0, 40.0 * 4_000.0);
            for session in 0..4_000 {
                for pair in (cell.draw)(&mut Noise::new(5, 5, session), 0.04, 40) {
                    sum += pair;
                    squares += pair * pair;
                }
            }
            let (mean, sd) = (sum / n, f64::sqrt(squares / n));
            // Layouts and neighbours are shared by pairs: the mean has SD .014/√4000 at most, here doubled and more.
            assert!(mean.abs() < 8e-4, "{}: {mean}", cell.name);
            if cell.name == "no-spread" {
                assert!(sd <= 0.0, "{sd}");
            } else {
                // All keep the SD or add to it; 160,000 draws are that far off at most, neighbours included.
                assert!(sd > 0.0395 && sd < 0.11, "{}: {sd}", cell.name);
            }
        }
    }
}
