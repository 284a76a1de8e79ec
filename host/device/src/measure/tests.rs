use super::*;
use crate::link::sim::Simulator;

/// A simulated token behind a link that says what it is told to.
struct Told(Simulator, Option<Measured>);

struct ToldLink(Box<dyn Link>, Option<Measured>);

impl Place for Told {
    fn link(&self) -> Result<Box<dyn Link>, LinkError> {
        Ok(Box::new(ToldLink(self.0.link()?, self.1)))
    }
}

impl Link for ToldLink {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.0.transmit(command)
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.0.reset()
    }

    fn measured(&self) -> Option<Measured> {
        self.1
    }
}

fn place(instructions: u64) -> Told {
    let options = Options { seed: Some(SEED), ..Options::default() };
    Told(Simulator::fresh(&options).unwrap(), Some(Measured { instructions, peak_stack: 8 }))
}

fn measured(place: &Told) -> Vec<Cost> {
    costs(place).unwrap_or_else(|failed| match failed {
        Failed::Error(error) => panic!("{error}"),
        Failed::NoFigure(what) => panic!("no figure for {what}"),
    })
}

/// What the script would report of an image that takes this.
fn report(costs: Vec<Cost>, text: u64) -> Report {
    let image = ImageSize { text, rodata: 1024, data: 0, bss: 4 };
    Report { board: Board::default(), image, not_covered: not_covered(&costs), costs }
}

#[test]
fn the_script_reaches_every_command() {
    let costs = measured(&place(100));
    assert_eq!(not_covered(&costs), []);
    let starts: Vec<_> = costs.iter().filter(|cost| cost.ins.is_none()).map(|cost| cost.form).collect();
    assert_eq!(starts, ["", FIRST_START]);
    let of = |ins, form| costs.iter().find(|cost| cost.ins == Some(ins) && cost.form == form).unwrap();
    assert_eq!(of(Ins::VerifyPin, "").instructions, 100);
    assert_eq!(of(Ins::ImportCertificate, "4000 bytes").instructions, 800, "all envelopes of a chain");
    assert_eq!(of(Ins::ExportCertificate, "4000 bytes").instructions, 900, "all blocks of an answer");
}

#[test]
fn a_command_that_was_not_measured_keeps_no_budget() {
    let costs = measured(&place(100));
    assert!(report(costs.clone(), 100).is_kept());
    let without: Vec<_> = costs.iter().copied().filter(|cost| cost.ins != Some(Ins::SetLabel)).collect();
    let report_without = report(without, 100);
    assert_eq!(report_without.not_covered, [Ins::SetLabel]);
    assert!(!report_without.is_kept());
}

#[test]
fn a_token_without_figures_is_none_that_is_cheap() {
    for figure in [None, Some(Measured { instructions: u64::MAX, peak_stack: 8 })] {
        let mut place = place(0);
        place.1 = figure;
        assert!(matches!(costs(&place), Err(Failed::NoFigure("power-on"))));
    }
}

#[test]
fn every_budget_can_be_passed() {
    let cheap = measured(&place(100));
    let passed = |report: &Report| {
        let budgets = report.budgets().into_iter().filter(|budget| !budget.is_kept());
        budgets.map(|budget| budget.what).collect::<Vec<_>>()
    };
    assert!(passed(&report(cheap.clone(), 130_048)).is_empty());
    assert_eq!(passed(&report(cheap.clone(), 130_049)), ["flash: code and constants"]);
    let change = |ins, form, change: fn(&mut Cost)| {
        let mut costs = cheap.clone();
        costs.iter_mut().filter(|cost| cost.ins == Some(ins) && cost.form == form).for_each(change);
        passed(&report(costs, 100))
    };
    assert_eq!(change(Ins::SetLabel, "", |cost| cost.stack = 32_764), Vec::<&str>::new());
    assert_eq!(
        change(Ins::SetLabel, "", |cost| cost.stack = 32_765),
        ["RAM: variables and the deepest stack"]
    );
    assert_eq!(change(Ins::VerifyPin, "", |cost| cost.instructions = 500_001), ["VerifyPin"]);
    assert_eq!(change(Ins::GenEccKeyPair, "", |cost| cost.instructions = 11_000_001), ["GenECCKeyPair"]);
    assert_eq!(
        change(Ins::EccSignData, "digest", |cost| cost.instructions = 10_000_001),
        ["ECCSignData of a digest"]
    );
    assert!(
        change(Ins::EccSignData, "message, 1024 bytes", |cost| cost.instructions = 10_000_001).is_empty()
    );
}

#[test]
fn what_is_no_image_has_no_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    assert!(matches!(ImageSize::of(&path), Err(MeasureError::BadImage { .. })), "there is none");
    std::fs::write(&path, b"no image").unwrap();
    assert!(matches!(ImageSize::of(&path), Err(MeasureError::BadImage { .. })));
}
