//! The limits of the machine, on one core: fused multiply-adds a second, and bytes read a second.
#![allow(unsafe_code)]

use crate::clock::Stopwatch;
use crate::stepping::level;
use jostle::Level;
use std::hint::black_box;

/// Independent sums: enough to hide the latency of a multiply-add on two pipes, few enough for 16 registers.
const SUMS: usize = 12;
/// Multiply-adds on each sum in one call.
const ROUNDS: usize = 20_000;
/// What a multiply-add multiplies by: close to one, so that sums stay in the normal range.
const FACTOR: f64 = 0.999_999;

/// Floating-point operations a second (two for each multiply-add) in `precision`, measured for about `seconds`.
pub(crate) fn peak(precision: &str, seconds: f64) -> Result<f64, String> {
    let (call, width): (fn() -> f64, usize) = match (precision, level()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level was asked of the processor.
        ("f64", Level::Avx512) => (|| unsafe { x86::avx512_f64() }, 8),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        ("f32", Level::Avx512) => (|| unsafe { x86::avx512_f32() }, 16),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        ("f64", Level::Avx2) => (|| unsafe { x86::avx2_f64() }, 4),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        ("f32", Level::Avx2) => (|| unsafe { x86::avx2_f32() }, 8),
        ("f64", _) => (portable_f64, 8),
        ("f32", _) => (portable_f32, 16),
        (other, _) => return Err(format!("no precision is called {other:?}")),
    };
    let per_call = (2 * SUMS * ROUNDS * width) as f64;
    Ok(best_rate(seconds, per_call, || {
        black_box(call());
    }))
}

/// The rate of the quickest of many calls: the limit, not what was left of it by others on the machine.
fn best_rate(seconds: f64, per_call: f64, mut call: impl FnMut()) -> f64 {
    call();
    let whole = Stopwatch::start();
    let mut best = f64::INFINITY;
    while whole.seconds().1 < seconds {
        let watch = Stopwatch::start();
        call();
        let (wall, cpu) = watch.seconds();
        // The processor clock may tick too coarsely for a short call.
        best = best.min(if cpu > 0.0 { cpu } else { wall });
    }
    per_call / best
}

/// Bytes read a second from a buffer of `bytes`, again and again, measured for about `seconds`.
pub(crate) fn bandwidth(bytes: usize, seconds: f64) -> Result<f64, String> {
    let length = bytes / size_of::<f64>() / LOADED * LOADED;
    if length == 0 {
        return Err(format!("{bytes} bytes are too few to measure"));
    }
    let numbers = vec![1.0_f64; length];
    // At least a megabyte a call, so that the clock can see it.
    let passes = (1_usize << 20).div_ceil(bytes);
    let per_call = (passes * length * size_of::<f64>()) as f64;
    let read: fn(&[f64]) -> f64 = match level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level was asked of the processor, and the length is a multiple of `LOADED`.
        Level::Avx512 => |numbers| unsafe { x86::read_avx512(numbers) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx2 => |numbers| unsafe { x86::read_avx2(numbers) },
        _ => read_portable,
    };
    Ok(best_rate(seconds, per_call, || {
        for _ in 0..passes {
            black_box(read(black_box(&numbers)));
        }
    }))
}

/// Numbers that one turn of a reading loop loads.
const LOADED: usize = 64;

fn read_portable(numbers: &[f64]) -> f64 {
    let mut sums = [0.0; LOADED];
    for chunk in numbers.chunks_exact(LOADED) {
        sums.iter_mut().zip(chunk).for_each(|(sum, number)| *sum += number);
    }
    sums.iter().sum()
}

/// As the compiler vectorises it for this processor, or for any.
fn portable_f64() -> f64 {
    let mut sums = [[1.0_f64; 8]; SUMS];
    let factor = black_box(FACTOR);
    for _ in 0..ROUNDS {
        sums.iter_mut().flatten().for_each(|sum| *sum = sum.mul_add(factor, 1e-6));
    }
    sums.iter().flatten().sum()
}

fn portable_f32() -> f64 {
    let mut sums = [[1.0_f32; 16]; SUMS];
    let factor = black_box(FACTOR as f32);
    for _ in 0..ROUNDS {
        sums.iter_mut().flatten().for_each(|sum| *sum = sum.mul_add(factor, 1e-6));
    }
    f64::from(sums.iter().flatten().sum::<f32>())
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! The same with the widest vectors of the processor.
    #![allow(clippy::wildcard_imports, reason = "a dozen intrinsics, all of one prefix")]

    use super::{FACTOR, LOADED, ROUNDS, SUMS};
    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// `SUMS` chains of multiply-adds with one kind of vector; the sum of their ends, so that none is left out.
    macro_rules! chains {
        ($name:ident, $features:literal, $number:ty, $set:ident, $multiply_add:ident, $add:ident, $first:ident) => {
            #[target_feature(enable = $features)]
            pub(super) fn $name() -> f64 {
                let factor = $set(black_box(FACTOR as $number));
                let summand = $set(1e-6);
                let mut sums = [$set(1.0); SUMS];
                for _ in 0..ROUNDS {
                    for sum in &mut sums {
                        *sum = $multiply_add(*sum, factor, summand);
                    }
                }
                let whole = sums.into_iter().reduce(|a, b| $add(a, b)).unwrap_or(factor);
                f64::from($first(whole))
            }
        };
    }

    chains!(avx512_f64, "avx512f,fma", f64, _mm512_set1_pd, _mm512_fmadd_pd, _mm512_add_pd, _mm512_cvtsd_f64);
    chains!(avx512_f32, "avx512f,fma", f32, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_add_ps, _mm512_cvtss_f32);
    chains!(avx2_f64, "avx2,fma", f64, _mm256_set1_pd, _mm256_fmadd_pd, _mm256_add_pd, _mm256_cvtsd_f64);
    chains!(avx2_f32, "avx2,fma", f32, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_add_ps, _mm256_cvtss_f32);

    /// Loads everything once; the sums keep the loads from being left out.
    macro_rules! reads {
        ($name:ident, $features:literal, $width:literal, $load:ident, $add:ident, $zero:ident, $first:ident) => {
            /// The length must be a multiple of `LOADED`; the rest is not read.
            #[target_feature(enable = $features)]
            pub(super) fn $name(numbers: &[f64]) -> f64 {
                let mut sums = [$zero(); LOADED / $width];
                for chunk in numbers.chunks_exact(LOADED) {
                    for (k, sum) in sums.iter_mut().enumerate() {
                        // SAFETY: the chunk holds `LOADED` numbers, and the load needs no alignment.
                        *sum = $add(*sum, unsafe { $load(chunk.as_ptr().add(k * $width)) });
                    }
                }
                let whole = sums.into_iter().reduce(|a, b| $add(a, b)).unwrap_or($zero());
                $first(whole)
            }
        };
    }

    reads!(read_avx512, "avx512f", 8, _mm512_loadu_pd, _mm512_add_pd, _mm512_setzero_pd, _mm512_cvtsd_f64);
    reads!(read_avx2, "avx2", 4, _mm256_loadu_pd, _mm256_add_pd, _mm256_setzero_pd, _mm256_cvtsd_f64);
}
