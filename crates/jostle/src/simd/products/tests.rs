use super::*;
use crate::float::Float;
use crate::random::philox4x32;
use crate::simd::{Level, STRIPES};

fn numbers<F: Float>(count: usize, stream: u32) -> Vec<F> {
    let number =
        |k: usize| f64::from(philox4x32([k as u32, stream, 0, 0], [7, 8])[0]) / 2_147_483_648.0 - 1.0;
    (0..count).map(|k| F::of(number(k))).collect()
}

const SIZES: [[usize; 3]; 9] = [
    [1, 1, 1],
    [4, 16, 16],
    [5, 3, 17],
    [1, 7, 64],
    [9, 20, 31],
    [16, 64, 64],
    [3, 33, 2],
    [8, 1, 50],
    [1, 40, 129],
];

fn check_chains<F: Float>() {
    for [m, k, n] in SIZES {
        let (a, b, start) = (numbers::<F>(m * k, 1), numbers::<F>(k * n, 2), numbers::<F>(m * n, 3));
        let across: Vec<F> = (0..m * k).map(|e| a[e % m * k + e / m]).collect();
        let one = F::of(0.5);
        let zeros = vec![F::default(); m * n];
        let reference = |start: &[F], entry: &dyn Fn(usize, usize) -> F| -> Vec<F> {
            let chain =
                |e: usize| (0..k).fold(start[e], |sum, q| entry(e / n, q).mul_add(b[q * n + e % n], sum));
            (0..m * n).map(chain).collect()
        };
        let plain = |i: usize, q: usize| a[i * k + q];
        for level in Level::available() {
            for view in [View::new(&a, k), View::transposed(&across, m)] {
                let mut out = zeros.clone();
                product(level, view, &b, &mut out);
                assert_eq!(out, reference(&zeros, &plain), "{level}, {m} x {k} x {n}");
                out.copy_from_slice(&start);
                add_product(level, view, &b, &mut out);
                assert_eq!(out, reference(&start, &plain), "{level}, {m} x {k} x {n}");
            }
            let mut out = zeros.clone();
            product(level, View::constant(&one, [m, k]), &b, &mut out);
            assert_eq!(out, reference(&zeros, &|_, _| one), "{level}, {m} x {k} x {n}");
        }
    }
}

#[test]
fn every_entry_of_a_product_is_one_chain_on_every_level() {
    check_chains::<f64>();
    check_chains::<f32>();
}

fn check_rows<F: Float>() {
    for [m, k, n] in SIZES {
        let (a, b) = (numbers::<F>(m * k, 1), numbers::<F>(n * k, 2));
        let entry = |e: usize| {
            let mut sums = [F::default(); STRIPES];
            for q in 0..k {
                sums[q % STRIPES] = a[e / n * k + q].mul_add(b[e % n * k + q], sums[q % STRIPES]);
            }
            for left in [8, 4, 2, 1] {
                for s in 0..left {
                    let right = sums[s + left];
                    sums[s] += right;
                }
            }
            sums[0]
        };
        let expected: Vec<F> = (0..m * n).map(entry).collect();
        for level in Level::available() {
            let mut out = vec![F::default(); m * n];
            products_of_rows(level, k, &a, &b, &mut out);
            assert_eq!(out, expected, "{level}, {m} x {k} x {n}");
        }
    }
}

#[test]
fn products_of_rows_are_striped_alike_on_every_level() {
    check_rows::<f64>();
    check_rows::<f32>();
}
