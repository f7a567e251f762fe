//! `bench` with a planted sign bug: its product with `I2_S` weights gets the sign of every sixteenth output wrong.
//!
//! A build for tests and for showing what a caught fault looks like:
//! `cargo run --release -p tritgate-harness --example broken_worker -- gate`. The shipped `bench` has no such hook.

use std::{env, process::ExitCode};

use engine::{
    Isa,
    kernels::{Kernels, Product, ProductKernel},
    threads::Strip,
};
use harness::Hooks;

/// The right product, and then the fault.
fn wrong(product: &Product<'_>, out: &mut Strip<'_>) {
    let right = Kernels::of(Isa::best()).ok().and_then(|kernels| kernels.product("i2_s"));
    let right = right.expect("every instruction set has this product");
    (right.product)(product, out);
    for token in 0..out.n_rows() {
        out.row(token).iter_mut().step_by(16).for_each(|y| *y = -*y);
    }
}

fn plant(mut kernels: Kernels) -> Kernels {
    let products = kernels.products.iter().map(|kernel| match kernel.format {
        "i2_s" => ProductKernel { product: wrong, ..*kernel },
        _ => *kernel,
    });
    // Once a session, in a program that ends soon.
    kernels.products = Box::leak(products.collect());
    kernels
}

fn main() -> ExitCode {
    let hooks = Hooks { kernels: Some(plant), ..Hooks::none() };
    harness::run_cli(env::args_os(), env::vars_os(), &hooks)
}
