//! Figures and ratios as text.

use std::fmt;

use crate::rounds::Figures;

/// One operation: the token's figures first, then its peers'.
#[derive(Clone, Debug)]
pub struct Row {
    /// The operation.
    pub operation: &'static str,
    /// The token's.
    pub token: Figures,
    /// Each peer's, and what a ratio to it means.
    pub peers: Vec<(Figures, &'static str)>,
}

/// All operations. A ratio is how often the peer does its work in the time that the token takes for one command: 1 is
/// as fast as the peer, 2 takes twice its time.
#[derive(Clone, Debug, Default)]
pub struct Table(pub Vec<Row>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "CPU microseconds for one operation. A ratio is token / peer: below 1 the token is faster."
        )?;
        writeln!(
            f,
            "{:<34} {:>11} {:>11} {:>11} {:>10} {:>10}",
            "", "median", "minimum", "per second", "median", "minimum"
        )?;
        for Row { operation, token, peers } in &self.0 {
            writeln!(f, "\n{operation}")?;
            writeln!(f, "  {}", line(token))?;
            for (peer, meaning) in peers {
                let median = token.median() / peer.median();
                let minimum = token.minimum() / peer.minimum();
                writeln!(f, "  {} {median:>9.2}x {minimum:>9.2}x  {meaning}", line(peer))?;
            }
        }
        Ok(())
    }
}

fn line(figures: &Figures) -> String {
    let (median, minimum) = (figures.median(), figures.minimum());
    format!("{:<32} {:>11.2} {:>11.2} {:>11.0}", figures.name, median * 1e6, minimum * 1e6, 1.0 / median)
}
