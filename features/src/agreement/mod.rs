//! Agreement after every failure: at every step of a flow something fails once; then the flow is taken up again with
//! nothing remembered but what the hall, the key and the person know; and in the end hall and token agree.
//!
//! Guarantees: the points are not typed but generated, from the interactions of a run without a fault (`point`); each
//! point runs in a world of its own, copied from one beginning, and everything in it follows from the seed; a fault that
//! does not happen, or a flow that went another way than when it was recorded, counts as a disagreement; no flow writes
//! into the key while another program reaches it; whether hall and token agree is read from the hall's database file and from the key, not from the flows (`judge`).
//!
//! Refuses to know: how a flow goes on. That is its driver's in `flows`: a person with an assistant program, who begins
//! from the hall and the key each time.
//!
//! | module | subject |
//! |---|---|
//! | `point` | interactions, kinds of faults, and the points made of them |
//! | `fault` | the key's link and the hall's line, where the fault happens |
//! | `world` | the hall, the key and the person of one point; the beginning that it is copied from |
//! | `flows` | the flows, each with its beginning and its driver |
//! | `judge` | what has to agree |
//! | `run` | all points, side by side |
//! | `report` | what came of them |

mod books;
mod fault;
mod flows;
mod judge;
mod point;
mod report;
mod run;
#[cfg(test)]
mod tests;
mod world;

pub use report::{Disagreement, FlowReport, Report};
pub use run::{Options, RunError, run};

/// The names of the flows, in the order of the report.
pub fn flow_names() -> impl Iterator<Item = &'static str> {
    flows::FLOWS.iter().map(|flow| flow.name)
}
