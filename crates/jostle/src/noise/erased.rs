//! Noises behind pointers: each law, written once over both precisions, as a method for each of them.

use super::{LabelNoise, ParameterNoise, Point, Products, SampleCovariance, SampleNoise, Scratch, Step};
use crate::setting::SettingError;

macro_rules! erased {
    (
        $(#[$doc:meta])* $erased:ident of $noise:ident: $act:ident;
        $(fn $method:ident(&self $(, $arg:ident: $type:ty)*) -> $result:ty;)*
        steps $($(#[$step_doc:meta])* $name:ident: $float:ty = ($($step_arg:ident: $step_type:ty),*),)*
    ) => {
        $(#[$doc])*
        pub trait $erased: Send + Sync {
            /// The same noise.
            fn boxed(&self) -> Box<dyn $erased>;
            $($(#[$step_doc])* fn $name(&self, $($step_arg: $step_type),*);)*
            $(
                #[doc = concat!("See [`", stringify!($noise), "::", stringify!($method), "`].")]
                #[allow(clippy::missing_errors_doc, reason = "they are documented there")]
                fn $method(&self $(, $arg: $type)*) -> $result;
            )*
        }

        impl<N: $noise + Clone + 'static> $erased for N {
            fn boxed(&self) -> Box<dyn $erased> {
                Box::new(self.clone())
            }
            $(fn $name(&self, $($step_arg: $step_type),*) {
                $noise::$act::<$float>(self, $($step_arg),*);
            })*
            $(fn $method(&self $(, $arg: $type)*) -> $result {
                $noise::$method(self $(, $arg)*)
            })*
        }
    };
}

erased! {
    /// A [`SampleNoise`] of any kind.
    AnySampleNoise of SampleNoise: perturb;
    fn covariance(&self, point: &Point<'_>) -> SampleCovariance;
    fn mean(&self, point: &Point<'_>) -> Vec<f64>;
    fn words(&self, batch: usize) -> String;
    fn label_noise(&self) -> Option<LabelNoise>;
    fn reads_residuals(&self) -> bool;
    fn needs_full_batch(&self) -> bool;
    fn check(&self, samples: usize) -> Result<(), SettingError>;
    fn needs_network(&self) -> bool;
    fn needs_classes(&self) -> bool;
    steps
    /// See [`SampleNoise::perturb`].
    perturb_f64: f64 = (step: &Step<'_, f64>, scratch: &mut Scratch<f64>, weights: &mut [f64]),
    /// See [`SampleNoise::perturb`].
    perturb_f32: f32 = (step: &Step<'_, f32>, scratch: &mut Scratch<f32>, weights: &mut [f32]),
}

erased! {
    /// A [`ParameterNoise`] of any kind.
    AnyParameterNoise of ParameterNoise: add;
    fn variances(&self, point: &Point<'_>) -> Vec<f64>;
    fn is_multiplicative(&self) -> bool;
    fn is_behind_momentum(&self) -> bool;
    fn needs_products(&self) -> bool;
    fn needs_full_batch(&self) -> bool;
    steps
    /// See [`ParameterNoise::add`].
    add_f64: f64 = (
        step: &Step<'_, f64>, products: &dyn Products<f64>, scratch: &mut Scratch<f64>, zeta: &mut [f64]
    ),
    /// See [`ParameterNoise::add`].
    add_f32: f32 = (
        step: &Step<'_, f32>, products: &dyn Products<f32>, scratch: &mut Scratch<f32>, zeta: &mut [f32]
    ),
}

/// From a precision to the method for it.
#[allow(unreachable_pub, reason = "the public trait Float stands on this, and nobody else can name it")]
pub trait Perturb: Sized {
    /// Lets a noise perturb the sample weights.
    fn perturb(
        noise: &dyn AnySampleNoise,
        step: &Step<'_, Self>,
        scratch: &mut Scratch<Self>,
        weights: &mut [Self],
    );
    /// Lets a noise add to zeta.
    fn add_zeta(
        noise: &dyn AnyParameterNoise,
        step: &Step<'_, Self>,
        products: &dyn Products<Self>,
        scratch: &mut Scratch<Self>,
        zeta: &mut [Self],
    );
}

macro_rules! perturb {
    ($float:ty, $perturb:ident, $add:ident) => {
        impl Perturb for $float {
            fn perturb(
                noise: &dyn AnySampleNoise,
                step: &Step<'_, Self>,
                scratch: &mut Scratch<Self>,
                weights: &mut [Self],
            ) {
                noise.$perturb(step, scratch, weights);
            }
            fn add_zeta(
                noise: &dyn AnyParameterNoise,
                step: &Step<'_, Self>,
                products: &dyn Products<Self>,
                scratch: &mut Scratch<Self>,
                zeta: &mut [Self],
            ) {
                noise.$add(step, products, scratch, zeta);
            }
        }
    };
}

perturb!(f64, perturb_f64, add_f64);
perturb!(f32, perturb_f32, add_f32);
