//! The supervising authority's view (L-05, AMB-05): the applications of its area, to read.
//!
//! Guarantees: an area is the administrative division in the authority's own credit code (GB 32100, characters 3 to 8),
//! as far as it is not `00`; what is outside is not shown; nothing can be changed.

use crate::{
    api::{OrderSummary, ProblemType, SubjectKind},
    order::view,
    problem::{Answer, refuse},
    rights::{Caller, Right, demand},
    turn::Turn,
};

/// The division of a credit code: pairs of digits, the last `00`s standing for everything inside.
fn area(number: &str) -> &str {
    let division = number.get(2..8).unwrap_or_default();
    let mut area = division;
    while let Some(wider) = area.strip_suffix("00") {
        area = wider;
    }
    area
}

/// Where a unit or a person belongs.
fn division(kind: SubjectKind, number: &str) -> &str {
    match kind {
        SubjectKind::Unit => number.get(2..8),
        // GB 11643: the first six characters.
        SubjectKind::Person => number.get(..6),
    }
    .unwrap_or_default()
}

/// The applications of the caller's area, newest first.
pub(crate) async fn orders(turn: &mut Turn<'_>) -> Answer<Vec<OrderSummary>> {
    demand(&turn.caller, Right::Supervise)?;
    let Caller::Account { number, .. } = turn.caller.clone() else { return Err(refuse(ProblemType::Forbidden)) };
    let records = turn.all_orders().await?;
    let inside = records.iter().filter(|record| division(record.subject.kind, &record.subject.number).starts_with(area(&number)));
    Ok(inside.map(view::summary).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_holds_what_is_inside() {
        assert_eq!(area("11110000MB0000001X"), "11");
        assert_eq!(area("11110105MB0000001X"), "110105");
        assert_eq!(area("11000000MB0000001X"), "");
        assert_eq!(division(SubjectKind::Unit, "91110105MA0000001R"), "110105");
        assert_eq!(division(SubjectKind::Person, "110105199003070017"), "110105");
    }
}
