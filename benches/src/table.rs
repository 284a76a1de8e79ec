//! Figures and ratios as text.

use std::fmt;

use crate::rounds::{Clock, Figures};

/// One operation: the token's figures first, then its peers'.
#[derive(Clone, Debug)]
pub struct Row {
    /// The operation.
    pub operation: &'static str,
    /// The token's.
    pub token: Figures,
    /// How often a second the token is to do it, by median and by minimum; where that is a goal.
    pub per_second: Option<f64>,
    /// Those who do the same.
    pub peers: Vec<Peer>,
}

/// One whom the token is held against.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its figures.
    pub figures: Figures,
    /// What a ratio to it means.
    pub meaning: &'static str,
    /// The most that the ratio is to be, by median and by minimum; where that is a goal.
    pub at_most: Option<f64>,
}

/// All operations. A ratio is how often the peer does its work in the time that the token takes for one command: 1 is
/// as fast as the peer, 2 takes twice its time.
#[derive(Clone, Debug, Default)]
pub struct Table(pub Vec<Row>, pub Clock);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = match self.1 {
            Clock::Cpu => "CPU microseconds",
            Clock::Wall => "Microseconds of the day",
        };
        writeln!(f, "{clock} for one operation. A ratio is token / peer: below 1 the token is faster.")?;
        writeln!(
            f,
            "{:<34} {:>11} {:>11} {:>11} {:>10} {:>10}",
            "", "median", "minimum", "per second", "median", "minimum"
        )?;
        for Row { operation, token, per_second, peers } in &self.0 {
            writeln!(f, "\n{operation}")?;
            write!(f, "  {}", line(token))?;
            if let Some(goal) = per_second {
                let slower = token.median().max(token.minimum());
                write!(f, "  goal {goal} per second {}", verdict(slower * goal <= 1.0))?;
            }
            writeln!(f)?;
            for Peer { figures, meaning, at_most } in peers {
                let median = token.median() / figures.median();
                let minimum = token.minimum() / figures.minimum();
                write!(f, "  {} {median:>9.2}x {minimum:>9.2}x  {meaning}", line(figures))?;
                if let Some(goal) = at_most {
                    write!(f, "; goal {goal:.2}x {}", verdict(median.max(minimum) <= *goal))?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

const fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn line(figures: &Figures) -> String {
    let (median, minimum) = (figures.median(), figures.minimum());
    format!("{:<32} {:>11.2} {:>11.2} {:>11.0}", figures.name, median * 1e6, minimum * 1e6, 1.0 / median)
}
