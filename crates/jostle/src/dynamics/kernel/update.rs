//! The last part of a step, the same for all kernels: from pulled weights to new parameters and coefficients.

#![allow(unsafe_code)]

use super::frame::Frame;
use super::{State, Task};
use crate::float::Float;
use crate::model::Link;
use crate::simd::{Level, Vector, dispatch};

/// The arrays that an update reads and writes, and the numbers it needs.
///
/// Pointers instead of slices, since the innermost loops address them by computed places; the constructor checks the
/// lengths once.
#[derive(Clone, Copy)]
pub(super) struct Update<F> {
    mantissa: *mut F,
    scale: *const F,
    velocity: *mut F,
    zeta: *const F,
    pub(super) beta: *mut F,
    beta_sum: *mut F,
    /// Entries of one part of the parameters, with the padding.
    pub(super) entries: usize,
    /// Entries of one part of zeta: those without the padding.
    pub(super) used: usize,
    /// The negative step size.
    descent: F,
    momentum: F,
    options: Options,
}

/// Which of the optional parts of a step an update has.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "four independent parts of a step")]
struct Options {
    zeta: bool,
    velocity: bool,
    scale: bool,
    average: bool,
}

/// The weights of a step pulled back to a vector of coefficients.
pub(super) trait Pulled<V>: Copy {
    /// The gradient, for the derivatives of the coefficients.
    fn gradient(self, slope: V) -> V;
    /// The start plus the gradient, rounded once.
    fn move_from(self, start: V, slope: V) -> V;
}

/// `h = sum_i x_i u_i`.
#[derive(Clone, Copy)]
struct Sum<V>(V);

impl<V: Vector> Pulled<V> for Sum<V> {
    #[inline(always)]
    fn gradient(self, slope: V) -> V {
        slope * self.0
    }
    #[inline(always)]
    fn move_from(self, start: V, slope: V) -> V {
        slope.mul_add(self.0, start)
    }
}

/// One sample `x` and its weight `u`. The weight comes last: `slope x` can be computed while it is waited for.
#[derive(Clone, Copy)]
pub(super) struct Single<V> {
    pub(super) x: V,
    pub(super) weight: V,
}

impl<V: Vector> Pulled<V> for Single<V> {
    #[inline(always)]
    fn gradient(self, slope: V) -> V {
        (slope * self.x) * self.weight
    }
    #[inline(always)]
    fn move_from(self, start: V, slope: V) -> V {
        (slope * self.x).mul_add(self.weight, start)
    }
}

impl<F: Float> Update<F> {
    /// The update of the current step, which is counted if it is averaged.
    #[inline(always)]
    pub(super) fn new<L: Link>(task: &Task<'_>, state: &mut State<F>, frame: &mut Frame<'_, F>) -> Self {
        let descent = frame.descent(state.step);
        let averages = state.count_average(task);
        let zeta = &frame.zeta;
        let entries = state.entries;
        let params = L::PARTS * entries;
        let used = state.dim * state.lanes();
        assert!(state.mantissa.len() == params && state.beta.len() == entries);
        assert!([0, params].contains(&state.velocity.len()) && [0, params].contains(&state.scale.len()));
        assert!(zeta.is_empty() || zeta.len() >= (L::PARTS - 1) * used + entries);
        assert!(!averages || state.beta_sum.len() == entries);
        assert!(!state.scaled || !state.scale.is_empty());
        Self {
            mantissa: state.mantissa.as_mut_ptr(),
            scale: state.scale.as_ptr(),
            velocity: state.velocity.as_mut_ptr(),
            zeta: zeta.as_ptr(),
            beta: state.beta.as_mut_ptr(),
            beta_sum: state.beta_sum.as_mut_ptr(),
            entries,
            used,
            descent,
            momentum: F::of(task.rule.dynamics.momentum),
            options: Options {
                zeta: !zeta.is_empty(),
                velocity: !state.velocity.is_empty(),
                scale: state.scaled,
                average: averages,
            },
        }
    }

    /// The same update after something else has written to the parameters.
    pub(super) fn again(self, state: &mut State<F>) -> Self {
        Self { mantissa: state.mantissa.as_mut_ptr(), beta: state.beta.as_mut_ptr(), ..self }
    }

    /// Whether the update is nothing but `theta <- theta + slope h`.
    #[inline(always)]
    pub(super) fn is_plain(&self) -> bool {
        let Options { zeta, velocity, scale, average } = self.options;
        !(zeta || velocity || scale || average)
    }

    /// Updates the parameters at `at .. at + V::WIDTH` given what is pulled back to them, and returns their coefficients.
    /// The weights carry the factor `-learning_rate`, unless there is momentum. `PLAIN` updates leave out what
    /// [`Update::is_plain`] says is not there.
    ///
    /// # Safety
    /// The state and zeta of `new` are alive and not otherwise borrowed, and `at + V::WIDTH <= entries`.
    #[inline(always)]
    pub(super) unsafe fn apply<V: Vector<Float = F>, L: Link, const PLAIN: bool>(
        &self,
        link: L,
        at: usize,
        pulled: impl Pulled<V>,
    ) -> V {
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
                parts[part] = if PLAIN {
                    pulled.move_from(parts[part], slopes[part])
                } else if self.options.velocity {
                    let gradient = pulled.gradient(slopes[part]);
                    let g = if self.options.zeta {
                        gradient + V::load(self.zeta.add(part * self.used + at))
                    } else {
                        gradient
                    };
                    let velocity = self.velocity.add(place(part));
                    let m = V::load(velocity).mul_add(V::splat(self.momentum), g);
                    m.store(velocity);
                    m.mul_add(V::splat(self.descent), parts[part])
                } else {
                    let start = if self.options.zeta {
                        V::load(self.zeta.add(part * self.used + at))
                            .mul_add(V::splat(self.descent), parts[part])
                    } else {
                        parts[part]
                    };
                    pulled.move_from(start, slopes[part])
                };
                parts[part].store(self.mantissa.add(place(part)));
                if !PLAIN && self.options.scale {
                    parts[part] = parts[part] * V::load(self.scale.add(place(part)));
                }
            }
            let beta = link.coefficient(parts);
            if !PLAIN && self.options.average {
                let sum = self.beta_sum.add(at);
                (V::load(sum) + beta).store(sum);
            }
            beta
        }
    }
}

/// Updates `used` entries from `first` on, given their pulled weights, and stores their coefficients. Both are computed
/// for whole vectors: what is pulled, and the parameters, must reach that far.
pub(super) fn update_entries<L: Link, F: Float>(
    link: L,
    level: Level,
    update: &Update<F>,
    first: usize,
    used: usize,
    pulled: &[F],
) {
    dispatch!(level, update_vectors, F, [L: Link],
        (link: L, update: &Update<F>, first: usize, used: usize, pulled: &[F]));
}

#[inline(always)]
fn update_vectors<V: Vector, L: Link>(
    link: L,
    update: &Update<V::Float>,
    first: usize,
    used: usize,
    pulled: &[V::Float],
) {
    let used = used.next_multiple_of(V::WIDTH);
    assert!(used <= pulled.len() && first + used <= update.entries);
    // SAFETY: the entries are there, and `new` has checked the arrays.
    unsafe {
        if update.is_plain() {
            apply_all::<V, L, true>(link, update, first, &pulled[..used]);
        } else {
            apply_all::<V, L, false>(link, update, first, &pulled[..used]);
        }
    }
}

/// # Safety
/// As for [`Update::apply`]; the pulled weights are whole vectors.
#[inline(always)]
unsafe fn apply_all<V: Vector, L: Link, const PLAIN: bool>(
    link: L,
    update: &Update<V::Float>,
    first: usize,
    pulled: &[V::Float],
) {
    for at in (0..pulled.len()).step_by(V::WIDTH) {
        // SAFETY: see above.
        unsafe {
            let beta = update.apply::<V, L, PLAIN>(link, first + at, Sum(V::load(pulled.as_ptr().add(at))));
            beta.store(update.beta.add(first + at));
        }
    }
}

/// The derivatives of all coefficients with respect to their parameters (parts x d x lanes), in units of the
/// mantissas: a noise that multiplies them scales as the parameters do.
pub(super) fn slopes<L: Link, F: Float>(link: L, mantissa: &[F], used: usize, out: &mut [F]) {
    let entries = mantissa.len() / L::PARTS;
    for at in 0..used {
        let parts = std::array::from_fn(|part| {
            <F::Single as Vector>::splat(mantissa[part % L::PARTS * entries + at])
        });
        let slopes: [F::Single; 2] = link.slope(parts);
        for part in 0..L::PARTS {
            out[part * used + at] = slopes[part].sum();
        }
    }
}
