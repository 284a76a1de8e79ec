//! Guessing: what is limited for each value, each caller and each desk, however the guesses are spread.
#![cfg(feature = "server")]

mod support;

use support::*;
use ukey_hall::api::*;

const DAY: u64 = 24 * 3600;

/// A holder born on this day of 1990, with the right check character (GB 11643).
fn born(day: u32) -> EnrolForm {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let body = format!("110105199001{day:02}001");
    let sum: u32 = body.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = char::from(b"10X98765432"[sum as usize % 11]);
    let EnrolForm::Person(mut form) = person() else { unreachable!() };
    form.holder.id_number = format!("{body}{check}");
    EnrolForm::Person(form)
}

fn fail(bench: &Bench, placed: &Placed) -> Reply {
    bench.expect_identity(IdentityOutcome::Mismatch);
    bench.post(&at(placed, "identity"), token(placed), &holder_phone())
}

#[test]
fn another_order_gives_no_new_identity_checks() {
    let bench = Bench::new("qinghe");
    for left in (0..5).rev() {
        let problem = fail(&bench, &bench.place(born(1))).refused(ProblemType::IdentityFailed);
        assert_eq!(problem.tries_left, Some(left));
    }
    let placed = bench.place(born(1));
    let check = || bench.post(&at(&placed, "identity"), token(&placed), &holder_phone());
    check().refused(ProblemType::TooManyAttempts);
    // Somebody else has tries of their own, and tomorrow there are new ones.
    fail(&bench, &bench.place(born(2))).refused(ProblemType::IdentityFailed);
    bench.wait(DAY - 1);
    check().read::<Order>();
}

#[test]
fn another_number_gives_no_new_identity_checks_for_ever() {
    let bench = Bench::new("qinghe");
    for day in 1..=6 {
        let placed = bench.place(born(day));
        for _ in 0..5 {
            fail(&bench, &placed).refused(ProblemType::IdentityFailed);
        }
    }
    let placed = bench.place(born(7));
    let check = || bench.post(&at(&placed, "identity"), token(&placed), &holder_phone());
    check().refused(ProblemType::TooManyAttempts);
    bench.wait(DAY - 1);
    check().read::<Order>();
}

#[test]
fn a_call_centre_desk_names_few_codes_that_nobody_has() {
    let bench = Bench::new("qinghe");
    let key = bench.unit_key();
    let placed: Placed = bench.open_unlock(&key).read();
    bench.pay(&bench.open_payment(&placed), PaymentOutcome::Paid);
    bench.upload_papers(&placed);
    let order: Order = bench.press(&un(&placed, "papers"), token(&placed)).read();
    let code = order.unlock.unwrap().unlock_code.unwrap().code;
    let look = |code: Secret| bench.post("/api/desk/call/lookup", "desk-call-centre", &CodeEntry { code });
    let approve = |code: Secret| {
        let told = CallDecision { code, approve: true, reason: None };
        bench.post("/api/desk/call/decision", "desk-call-centre", &told)
    };
    for i in 0..15 {
        // Not the code's length: nobody has it.
        look(Secret(format!("{i:05}"))).refused(ProblemType::NotFound);
        approve(Secret(format!("{i:05}"))).refused(ProblemType::NotFound);
    }
    look(code.clone()).refused(ProblemType::TooManyAttempts);
    approve(code).refused(ProblemType::TooManyAttempts);
    // Tomorrow there is another code, and the desk hears it.
    bench.wait(DAY);
    let placed: Placed = bench.open_unlock(&key).read();
    let order: Order = bench.press(&un(&placed, "papers"), token(&placed)).read();
    look(order.unlock.unwrap().unlock_code.unwrap().code).read::<Order>();
}
