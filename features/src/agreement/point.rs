//! Interactions of a flow, kinds of faults, and the points made of them.
//!
//! Guarantees: every interaction gets every kind of fault that can hit it; only the flash operations of one long exchange
//! are thinned, evenly and with their first and last.

use std::fmt;

/// How many flash operations of one exchange are cut at the most.
const CUTS: u64 = 8;

/// One interaction of a flow, in the order of the run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Interaction {
    /// A request to the hall: method and path, numbers left out.
    Request(String),
    /// An exchange with the key.
    Exchange {
        /// The first bytes of the command: class, instruction and parameters.
        header: Vec<u8>,
        /// The command, decoded.
        command: String,
        /// How many flash operations it took.
        operations: u64,
        /// Whether nobody else reached the key meanwhile.
        alone: bool,
    },
}

impl Interaction {
    /// Whether it is the one that was recorded, as far as it is known before it was carried out.
    pub(super) fn is(&self, recorded: &Self) -> bool {
        match (self, recorded) {
            (Interaction::Request(now), Interaction::Request(recorded)) => now == recorded,
            (Interaction::Exchange { header: now, .. }, Interaction::Exchange { header: recorded, .. }) => {
                now == recorded
            }
            _ => false,
        }
    }
}

impl fmt::Display for Interaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Interaction::Request(request) => f.write_str(request),
            Interaction::Exchange { command, header, .. } if command.is_empty() => {
                write!(f, "the command {header:02X?}")
            }
            Interaction::Exchange { command, .. } => f.write_str(command),
        }
    }
}

/// A kind of fault.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Kind {
    /// The key is pulled before the exchange.
    KeyPulled,
    /// The key carries the command out and is pulled before its answer is heard.
    AnswerCutOff,
    /// The power goes before a flash operation.
    PowerCut,
    /// The power goes inside a flash operation: some bits of it happen.
    TornWord,
    /// The request does not reach the hall.
    RequestLost,
    /// The hall carries the request out, and nobody hears of it.
    AnswerLost,
    /// The hall is killed before the request is carried out, and opened again from its database file.
    HallKilledBefore,
    /// The hall is killed after the request was carried out, before its answer.
    HallKilledAfter,
}

impl Kind {
    /// Every kind, in the order of the report.
    pub(super) const ALL: [Self; 8] = [
        Self::KeyPulled,
        Self::AnswerCutOff,
        Self::PowerCut,
        Self::TornWord,
        Self::RequestLost,
        Self::AnswerLost,
        Self::HallKilledBefore,
        Self::HallKilledAfter,
    ];

    /// Its name in reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::KeyPulled => "key pulled",
            Self::AnswerCutOff => "key pulled, answer unheard",
            Self::PowerCut => "power cut",
            Self::TornWord => "power cut in a word",
            Self::RequestLost => "request lost",
            Self::AnswerLost => "answer lost",
            Self::HallKilledBefore => "hall killed before",
            Self::HallKilledAfter => "hall killed after",
        }
    }
}

/// What fails, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Point {
    /// The interaction's number, from 0.
    pub(super) at: usize,
    pub(super) kind: Kind,
    /// Which flash operation of the exchange, from 0, for a power cut.
    pub(super) operation: Option<u64>,
    /// The interaction as it was recorded.
    pub(super) interaction: Interaction,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at interaction {}", self.kind.name(), self.at)?;
        if let Some(operation) = self.operation {
            write!(f, ", flash operation {operation}")?;
        }
        write!(f, ": {}", self.interaction)
    }
}

/// The points of a recorded run.
pub(super) fn points(run: &[Interaction]) -> Vec<Point> {
    let mut points = Vec::new();
    for (at, interaction) in run.iter().enumerate() {
        let mut add =
            |kind, operation| points.push(Point { at, kind, operation, interaction: interaction.clone() });
        match interaction {
            Interaction::Request(_) => {
                for kind in
                    [Kind::RequestLost, Kind::AnswerLost, Kind::HallKilledBefore, Kind::HallKilledAfter]
                {
                    add(kind, None);
                }
            }
            Interaction::Exchange { operations, .. } => {
                add(Kind::KeyPulled, None);
                add(Kind::AnswerCutOff, None);
                for operation in evenly(*operations, CUTS) {
                    add(Kind::PowerCut, Some(operation));
                    add(Kind::TornWord, Some(operation));
                }
            }
        }
    }
    points
}

/// At most so many of the numbers below `count`: evenly chosen, the first and the last among them.
fn evenly(count: u64, most: u64) -> impl Iterator<Item = u64> {
    let taken = count.min(most);
    (0..taken).map(move |place| if taken < 2 { 0 } else { place * (count - 1) / (taken - 1) })
}

/// Method and path of a request with the numbers and names of single things left out.
pub(super) fn request_name(method: &str, path: &str) -> String {
    let named = |segment: &str| segment.bytes().any(|byte| byte.is_ascii_digit());
    let segments: Vec<_> =
        path.split('/').map(|segment| if named(segment) { "*" } else { segment }).collect();
    format!("{method} {}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interaction_gets_every_fault_that_can_hit_it() {
        let exchange = |operations| Interaction::Exchange {
            header: vec![0x80, 0x18, 0, 1],
            command: "VerifyPin".into(),
            operations,
            alone: true,
        };
        let run = [Interaction::Request("GET /api/profile".into()), exchange(0), exchange(3), exchange(100)];
        let points = points(&run);
        let count = |at, kind| points.iter().filter(|point| point.at == at && point.kind == kind).count();
        let counts = |at| Kind::ALL.map(|kind| count(at, kind));
        assert_eq!(counts(0), [0, 0, 0, 0, 1, 1, 1, 1]);
        assert_eq!(counts(1), [1, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(counts(2), [1, 1, 3, 3, 0, 0, 0, 0]);
        assert_eq!(counts(3), [1, 1, 8, 8, 0, 0, 0, 0]);
    }

    #[test]
    fn a_choice_is_even_and_has_both_ends() {
        let chosen = |count, most| evenly(count, most).collect::<Vec<_>>();
        assert!(chosen(0, 8).is_empty());
        assert_eq!(chosen(1, 8), [0]);
        assert_eq!(chosen(3, 8), [0, 1, 2]);
        assert_eq!(chosen(100, 4), [0, 33, 66, 99]);
    }

    #[test]
    fn a_request_is_named_without_its_numbers() {
        assert_eq!(
            request_name("POST", "/api/orders/202603020123456789/payment"),
            "POST /api/orders/*/payment"
        );
        assert_eq!(request_name("GET", "/api/profile"), "GET /api/profile");
    }
}
