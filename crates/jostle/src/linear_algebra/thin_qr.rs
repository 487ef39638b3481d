//! A QR factorisation of columns that come and go.

use super::dot;
use super::norm;

/// What is left of a column outside the span of the others, relative to it, up to which it counts as dependent.
const DEPENDENT: f64 = 1e-10;

/// `A = Q R` for columns of length `n`: `Q` (n x k) has orthonormal columns, `R` (k x k) is upper triangular.
#[derive(Debug, Clone, Default)]
pub(crate) struct ThinQr {
    /// The columns of `Q`.
    q: Vec<Vec<f64>>,
    /// The columns of `R`, down to the diagonal.
    r: Vec<Vec<f64>>,
}

impl ThinQr {
    /// Appends a column by Gram-Schmidt, twice.
    ///
    /// # Errors
    /// The coordinates `a` (k) with `A a = column` if the column depends on those that are there.
    pub(crate) fn append(&mut self, column: &[f64]) -> Result<(), Vec<f64>> {
        let mut left = column.to_vec();
        let mut along = vec![0.0; self.q.len()];
        for _ in 0..2 {
            for (a, q) in along.iter_mut().zip(&self.q) {
                let part = dot(q, &left);
                *a += part;
                left.iter_mut().zip(q).for_each(|(l, q)| *l -= part * q);
            }
        }
        let size = norm(&left);
        if size <= DEPENDENT * norm(column) {
            return Err(self.solve_upper(&along));
        }
        for l in &mut left {
            *l /= size;
        }
        self.q.push(left);
        along.push(size);
        self.r.push(along);
        Ok(())
    }

    /// Takes column `c` away, by rotations of the rows behind it.
    pub(crate) fn remove(&mut self, c: usize) {
        self.r.remove(c);
        for i in c..self.r.len() {
            let (above, below) = (self.r[i][i], self.r[i][i + 1]);
            let size = above.hypot(below);
            let (cos, sin) = (above / size, below / size);
            for column in &mut self.r[i..] {
                let (above, below) = (column[i], column[i + 1]);
                column[i] = cos * above + sin * below;
                column[i + 1] = cos * below - sin * above;
            }
            self.r[i].truncate(i + 1);
            let (first, second) = self.q.split_at_mut(i + 1);
            for (a, b) in first[i].iter_mut().zip(&mut second[0]) {
                (*a, *b) = (cos * *a + sin * *b, cos * *b - sin * *a);
            }
        }
        self.q.pop();
    }

    /// `Q' v` (k).
    pub(crate) fn project(&self, v: &[f64]) -> Vec<f64> {
        self.q.iter().map(|q| dot(q, v)).collect()
    }

    /// `Q a` (n) for `a` (k), zeros where there is no column.
    pub(crate) fn combine(&self, a: &[f64], samples: usize) -> Vec<f64> {
        let mut out = vec![0.0; samples];
        for (a, q) in a.iter().zip(&self.q) {
            out.iter_mut().zip(q).for_each(|(o, q)| *o += a * q);
        }
        out
    }

    /// `R^-1 v` (k).
    pub(crate) fn solve_upper(&self, v: &[f64]) -> Vec<f64> {
        let mut s = v.to_vec();
        for k in (0..s.len()).rev() {
            s[k] /= self.r[k][k];
            let (above, value) = s.split_at_mut(k);
            above.iter_mut().zip(&self.r[k]).for_each(|(a, r)| *a -= value[0] * r);
        }
        s
    }

    /// `R^-T v` (k).
    pub(crate) fn solve_lower(&self, v: &[f64]) -> Vec<f64> {
        let mut s = v.to_vec();
        for k in 0..s.len() {
            s[k] = (s[k] - dot(&self.r[k][..k], &s[..k])) / self.r[k][k];
        }
        s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [[f64; 4]; 3] = [[1.0, -2.0, 0.5, 3.0], [0.0, 1.0, 4.0, -1.0], [2.0, 2.0, -3.0, 1.0]];

    fn check(qr: &ThinQr, columns: &[[f64; 4]]) {
        for (c, column) in columns.iter().enumerate() {
            let back = qr.combine(&qr.r[c], 4);
            assert!(back.iter().zip(column).all(|(b, v)| (b - v).abs() < 1e-14), "{back:?}");
        }
        for (a, qa) in qr.q.iter().enumerate() {
            for (b, qb) in qr.q.iter().enumerate() {
                assert!((dot(qa, qb) - if a == b { 1.0 } else { 0.0 }).abs() < 1e-14);
            }
        }
    }

    fn of(columns: &[[f64; 4]]) -> ThinQr {
        let mut qr = ThinQr::default();
        for column in columns {
            qr.append(column).unwrap();
        }
        qr
    }

    #[test]
    fn columns_come_and_go() {
        for gone in 0..3 {
            let mut qr = of(&COLUMNS);
            check(&qr, &COLUMNS);
            qr.remove(gone);
            let mut left = COLUMNS.to_vec();
            left.remove(gone);
            check(&qr, &left);
            qr.append(&COLUMNS[gone]).unwrap();
            left.push(COLUMNS[gone]);
            check(&qr, &left);
        }
    }

    #[test]
    fn a_dependent_column_is_returned_in_coordinates() {
        let mut qr = of(&COLUMNS[..2]);
        let sum: Vec<f64> = COLUMNS[0].iter().zip(&COLUMNS[1]).map(|(a, b)| 2.0 * a - 3.0 * b).collect();
        let found = qr.append(&sum).unwrap_err();
        assert!((found[0] - 2.0).abs() < 1e-14 && (found[1] + 3.0).abs() < 1e-14, "{found:?}");
        assert_eq!(qr.append(&[0.0; 4]).unwrap_err(), [0.0, 0.0]);
    }

    #[test]
    fn triangular_systems_are_solved() {
        let qr = of(&COLUMNS);
        let v = [0.3, -1.0, 2.0];
        let upper = qr.solve_upper(&v);
        for k in 0..3 {
            let back: f64 = (k..3).map(|c| qr.r[c][k] * upper[c]).sum();
            assert!((back - v[k]).abs() < 1e-14);
        }
        let lower = qr.solve_lower(&v);
        for c in 0..3 {
            let back: f64 = (0..=c).map(|k| qr.r[c][k] * lower[k]).sum();
            assert!((back - v[c]).abs() < 1e-14);
        }
    }
}
