//! How a coefficient of the linear predictor depends on its parameters.

use std::ops::{Add, Mul, Sub};

/// Numbers that a link can be evaluated on: floats, vectors of floats, dual numbers.
pub trait Arithmetic:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + From<f64>
{
}

impl<V> Arithmetic for V where
    V: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + From<f64>
{
}

/// Which parameters of a coefficient may be rescaled together without changing the form of an update.
///
/// Where the gradient is homogeneous of degree one in a parameter, so is the update, and a parameter that shrinks
/// like exp(-1000) can be kept as a mantissa and an exponent: it never reaches an absorbing zero by rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaling {
    /// None: the updates are not homogeneous.
    Fixed,
    /// Each parameter on its own.
    Separate,
    /// The parameters of one coefficient, all by the same factor.
    Joint,
}

/// A coefficient `beta_j` as a function of its parameters (one or two) and the derivatives.
pub trait Link: Copy + Send + Sync + 'static {
    /// Parameters of one coefficient.
    const PARTS: usize;

    /// Which parameters may be kept with an exponent of their own.
    fn scaling(self) -> Scaling;

    /// `beta_j` from its parameters; the second is ignored when there is only one.
    fn coefficient<V: Arithmetic>(self, parts: [V; 2]) -> V;

    /// The derivatives of `beta_j` with respect to its parameters.
    fn slope<V: Arithmetic>(self, parts: [V; 2]) -> [V; 2];
}

/// `beta = w * w`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Square;

impl Link for Square {
    const PARTS: usize = 1;
    #[inline(always)]
    fn scaling(self) -> Scaling {
        Scaling::Separate
    }
    #[inline(always)]
    fn coefficient<V: Arithmetic>(self, [w, _]: [V; 2]) -> V {
        w * w
    }
    #[inline(always)]
    fn slope<V: Arithmetic>(self, [w, unused]: [V; 2]) -> [V; 2] {
        [w + w, unused]
    }
}

/// `beta = u^depth - v^depth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Power {
    /// The power, at least 2.
    pub depth: u32,
}

/// `x^exponent` by repeated multiplication, in a fixed order.
#[inline(always)]
fn power<V: Arithmetic>(x: V, exponent: u32) -> V {
    let mut value = x;
    for _ in 1..exponent {
        value = value * x;
    }
    value
}

impl Link for Power {
    const PARTS: usize = 2;
    #[inline(always)]
    fn scaling(self) -> Scaling {
        if self.depth == 2 { Scaling::Separate } else { Scaling::Fixed }
    }
    #[inline(always)]
    fn coefficient<V: Arithmetic>(self, [u, v]: [V; 2]) -> V {
        power(u, self.depth) - power(v, self.depth)
    }
    #[inline(always)]
    fn slope<V: Arithmetic>(self, [u, v]: [V; 2]) -> [V; 2] {
        let depth = f64::from(self.depth);
        [V::from(depth) * power(u, self.depth - 1), V::from(-depth) * power(v, self.depth - 1)]
    }
}

/// `beta = a * b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product;

impl Link for Product {
    const PARTS: usize = 2;
    #[inline(always)]
    fn scaling(self) -> Scaling {
        Scaling::Joint
    }
    #[inline(always)]
    fn coefficient<V: Arithmetic>(self, [a, b]: [V; 2]) -> V {
        a * b
    }
    #[inline(always)]
    fn slope<V: Arithmetic>(self, [a, b]: [V; 2]) -> [V; 2] {
        [b, a]
    }
}

/// `beta = theta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit;

impl Link for Unit {
    const PARTS: usize = 1;
    #[inline(always)]
    fn scaling(self) -> Scaling {
        Scaling::Fixed
    }
    #[inline(always)]
    fn coefficient<V: Arithmetic>(self, [theta, _]: [V; 2]) -> V {
        theta
    }
    #[inline(always)]
    fn slope<V: Arithmetic>(self, [_, unused]: [V; 2]) -> [V; 2] {
        [V::from(1.0), unused]
    }
}

/// Any of the links, where the choice is made at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// [`Square`].
    Square(Square),
    /// [`Power`].
    Power(Power),
    /// [`Product`].
    Product(Product),
    /// [`Unit`].
    Unit(Unit),
}

macro_rules! kinds {
    ($($link:ident),*) => {
        $(impl From<$link> for LinkKind {
            fn from(link: $link) -> Self {
                LinkKind::$link(link)
            }
        })*
    };
}

kinds!(Square, Power, Product, Unit);

/// Runs an expression with the link of a [`LinkKind`] bound to a name, so that kernels are compiled per link.
macro_rules! with_link {
    ($kind:expr, $link:ident => $body:expr) => {
        match $kind {
            $crate::model::LinkKind::Square($link) => $body,
            $crate::model::LinkKind::Power($link) => $body,
            $crate::model::LinkKind::Product($link) => $body,
            $crate::model::LinkKind::Unit($link) => $body,
        }
    };
}
pub(crate) use with_link;

impl LinkKind {
    /// Parameters of one coefficient.
    pub fn parts(self) -> usize {
        fn parts<L: Link>(_: L) -> usize {
            L::PARTS
        }
        with_link!(self, link => parts(link))
    }

    /// Which parameters may be kept with an exponent of their own.
    pub fn scaling(self) -> Scaling {
        with_link!(self, link => link.scaling())
    }

    /// The loss factor `c` that goes with the parametrisation in the papers: 1/4 for the square forms, 1/2 otherwise.
    pub fn loss_factor(self) -> f64 {
        match self {
            LinkKind::Square(_) | LinkKind::Power(_) => 0.25,
            LinkKind::Product(_) | LinkKind::Unit(_) => 0.5,
        }
    }

    /// The start of one parameter at scale `init`.
    pub fn initial_part(self, part: usize, init: f64) -> f64 {
        match self {
            LinkKind::Product(_) => [2.0 * init, 0.0][part],
            _ => init,
        }
    }
}
