//! The last part of a step, the same for all kernels: from pulled weights to new parameters and coefficients.

#![allow(unsafe_code)]

use super::{Buffers, State, Task};
use crate::model::{Link, Scaling};
use crate::simd::{Portable, Vector};

/// The arrays that an update reads and writes, and the numbers it needs.
///
/// Pointers instead of slices, since the innermost loops address them by computed places; the constructor checks the
/// lengths once.
#[derive(Clone, Copy)]
pub(super) struct Update {
    mantissa: *mut f64,
    scale: *const f64,
    velocity: *mut f64,
    zeta: *const f64,
    pub(super) beta: *mut f64,
    beta_sum: *mut f64,
    /// Entries of one part of the parameters: d x lanes.
    pub(super) entries: usize,
    learning_rate: f64,
    momentum: f64,
    options: Options,
}

/// Which of the optional arrays an update uses.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "four independent parts of a step")]
struct Options {
    zeta: bool,
    velocity: bool,
    scale: bool,
    average: bool,
}

impl Update {
    /// The update of the current step.
    #[inline(always)]
    pub(super) fn new<L: Link>(
        task: &Task<'_>,
        state: &mut State,
        buffers: &Buffers,
        averages: bool,
    ) -> Self {
        let entries = state.dim * state.lanes();
        let params = L::PARTS * entries;
        assert!(state.mantissa.len() == params && state.beta.len() >= entries);
        assert!([0, params].contains(&state.velocity.len()) && [0, params].contains(&state.scale.len()));
        assert!([0, params].contains(&buffers.zeta.len()));
        assert!(!averages || state.beta_sum.len() == entries);
        Self {
            mantissa: state.mantissa.as_mut_ptr(),
            scale: state.scale.as_ptr(),
            velocity: state.velocity.as_mut_ptr(),
            zeta: buffers.zeta.as_ptr(),
            beta: state.beta.as_mut_ptr(),
            beta_sum: state.beta_sum.as_mut_ptr(),
            entries,
            learning_rate: task.dynamics.learning_rate.at(state.step),
            momentum: task.dynamics.momentum,
            options: Options {
                zeta: !buffers.zeta.is_empty(),
                velocity: !state.velocity.is_empty(),
                scale: state.scaling != Scaling::Fixed,
                average: averages,
            },
        }
    }

    /// Updates the entries `at .. at + V::WIDTH` given their pulled weights `h`.
    ///
    /// # Safety
    /// The state and buffers of `new` are alive and not otherwise borrowed, and `at + V::WIDTH <= entries`.
    #[inline(always)]
    pub(super) unsafe fn apply<V: Vector, L: Link>(&self, link: L, at: usize, h: V) {
        // SAFETY: `new` has checked that every array that is read or written here holds PARTS x entries numbers (one
        // times entries for the coefficients), and the caller keeps `at` within the entries.
        unsafe {
            let place = |part: usize| part * self.entries + at;
            let mut parts = [V::from(0.0); 2];
            for (part, p) in parts.iter_mut().enumerate().take(L::PARTS) {
                *p = V::load(self.mantissa.add(place(part)));
            }
            let slopes = link.slope(parts);
            for part in 0..L::PARTS {
                let mut g = if self.options.zeta {
                    slopes[part].mul_add(h, V::load(self.zeta.add(place(part))))
                } else {
                    slopes[part] * h
                };
                if self.options.velocity {
                    let velocity = self.velocity.add(place(part));
                    g = V::load(velocity).mul_add(V::from(self.momentum), g);
                    g.store(velocity);
                }
                parts[part] = g.mul_add(V::from(-self.learning_rate), parts[part]);
                parts[part].store(self.mantissa.add(place(part)));
                if self.options.scale {
                    parts[part] = parts[part] * V::load(self.scale.add(place(part)));
                }
            }
            let beta = link.coefficient(parts);
            beta.store(self.beta.add(at));
            if self.options.average {
                let sum = self.beta_sum.add(at);
                (V::load(sum) + beta).store(sum);
            }
        }
    }

    /// Updates all entries given their pulled weights.
    ///
    /// # Safety
    /// As for [`Update::apply`].
    #[inline(always)]
    pub(super) unsafe fn apply_all<V: Vector, L: Link>(&self, link: L, pulled: &[f64]) {
        assert!(pulled.len() == self.entries);
        let whole = self.entries - self.entries % V::WIDTH;
        // SAFETY: all places are below `entries`, which is the length of `pulled`.
        unsafe {
            for at in (0..whole).step_by(V::WIDTH) {
                self.apply(link, at, V::load(pulled.as_ptr().add(at)));
            }
            for (at, h) in pulled.iter().enumerate().skip(whole) {
                self.apply(link, at, Portable::<1>::from(*h));
            }
        }
    }
}

/// The derivatives of all coefficients with respect to their parameters (parts x entries), in units of the mantissas:
/// a noise that multiplies them scales as the parameters do.
pub(super) fn slopes<L: Link>(link: L, mantissa: &[f64], entries: usize, out: &mut [f64]) {
    for at in 0..entries {
        let parts = std::array::from_fn(|part| mantissa[part % L::PARTS * entries + at]);
        let slopes: [f64; 2] = link.slope(parts);
        for part in 0..L::PARTS {
            out[part * entries + at] = slopes[part];
        }
    }
}
