//! Text for a terminal: tables, and numbers of things.

/// Rows with their columns aligned to the left and two spaces apart, one a line. Rows may differ in length.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|row| row.get(c)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|c| width(c).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// `1 cell`, `2 cells`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_end_without_spaces() {
        let rows = [vec!["a", "bc"], vec!["äöü", ""], vec!["x", "y", "z"]];
        let rows = rows.map(|row| row.into_iter().map(str::to_owned).collect());
        assert_eq!(aligned(&rows), "a    bc\näöü\nx    y   z\n");
        assert_eq!(aligned(&[]), "");
    }

    #[test]
    fn one_thing_has_no_plural() {
        assert_eq!(counted(1, "cell") + ", " + &counted(0, "replica"), "1 cell, 0 replicas");
    }
}
