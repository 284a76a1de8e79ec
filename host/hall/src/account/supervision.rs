//! The supervising authority's view (L-05, AMB-05): the applications of its area, to read.
//!
//! Guarantees: only an authority that the profile names looks, at its own area; what is outside is not shown, nor any
//! whole number; nothing can be changed.

use crate::{
    api::{OrderSummary, ProblemType, SubjectKind},
    checks,
    order::view,
    problem::{Answer, refuse},
    rights::{Right, demand},
    turn::Turn,
};

/// Where a unit or a person belongs.
fn division(kind: SubjectKind, number: &str) -> &str {
    match kind {
        SubjectKind::Unit => number.get(2..8),
        // GB 11643: the first six characters.
        SubjectKind::Person => number.get(..6),
    }
    .unwrap_or_default()
}

/// The applications of the caller's area, newest first; their numbers masked.
pub(crate) async fn orders(turn: &mut Turn<'_>) -> Answer<Vec<OrderSummary>> {
    demand(&turn.caller, Right::Supervise)?;
    let number = turn.caller.number().unwrap_or_default();
    // An authority that was taken off the list sees nothing more.
    let known = turn.hall.profile().authorities.iter().find(|known| known.number == number);
    let area = known.ok_or_else(|| refuse(ProblemType::Forbidden))?.area();
    let mut inside = Vec::new();
    for record in turn.all_orders().await? {
        if division(record.subject.kind, &record.subject.number).starts_with(area) {
            let mut summary = view::summary(&record);
            summary.subject.number = checks::masked(&summary.subject.number);
            inside.push(summary);
        }
    }
    Ok(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_and_a_person_belong_where_their_numbers_say() {
        assert_eq!(division(SubjectKind::Unit, "91110105MA0000001R"), "110105");
        assert_eq!(division(SubjectKind::Person, "110105199003070017"), "110105");
    }
}
