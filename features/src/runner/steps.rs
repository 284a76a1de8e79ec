//! The steps of a world, from cucumber's inventory, and what to say when a text matches none or several of them.

mod near;

use cucumber::{
    codegen::{StepConstructor, inventory},
    gherkin::{self, StepType},
    step::{Collection, Context, Location, Step},
};

use near::nearest;

use super::scenario::ScenarioWorld;

/// The steps of a world.
#[derive(Debug)]
pub struct StepTable<W> {
    collection: Collection<W>,
}

/// One step definition, as listings show it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepDefinition {
    /// `given`, `when` or `then`.
    pub kind: &'static str,
    /// The regular expression that its text must match.
    pub pattern: String,
    /// Where it is defined: `FILE:LINE:COLUMN`.
    pub place: String,
}

/// A step with the function to run.
pub(crate) struct Match<W> {
    pub(crate) function: Step<W>,
    pub(crate) context: Context,
    pub(crate) place: Option<String>,
}

/// Why a step has no function to run.
pub(crate) enum Unmatched {
    Undefined(String),
    Ambiguous(String),
}

impl<W: ScenarioWorld> StepTable<W> {
    /// All steps that were defined for this world in this program.
    pub fn collect() -> Self {
        Self { collection: W::collection() }
    }

    /// The vocabulary, in the order of the files.
    pub fn definitions() -> Vec<StepDefinition> {
        fn read<W>(kind: &'static str, step: &impl StepConstructor<W>) -> StepDefinition {
            let (location, regex, _) = step.inner();
            StepDefinition { kind, pattern: regex().to_string(), place: location.to_string() }
        }
        let mut all: Vec<_> = (inventory::iter::<W::Given>.into_iter().map(|step| read("given", step)))
            .chain(inventory::iter::<W::When>.into_iter().map(|step| read("when", step)))
            .chain(inventory::iter::<W::Then>.into_iter().map(|step| read("then", step)))
            .collect();
        all.sort();
        all
    }

    pub(crate) fn find(&self, step: &gherkin::Step) -> Result<Match<W>, Unmatched> {
        match self.collection.find(step) {
            Ok(Some((function, _, location, context))) => {
                Ok(Match { function: *function, context, place: location.map(|place| place.to_string()) })
            }
            Ok(None) => Err(Unmatched::Undefined(self.undefined(step))),
            Err(error) => {
                let candidates = error.possible_matches.iter().map(|(regex, location)| {
                    let place = location.map(|place| format!(" at {place}")).unwrap_or_default();
                    format!("\n  {}{place}", regex.as_str())
                });
                Err(Unmatched::Ambiguous(format!(
                    "ambiguous step: {} definitions match{}",
                    error.possible_matches.len(),
                    candidates.collect::<String>()
                )))
            }
        }
    }

    fn undefined(&self, step: &gherkin::Step) -> String {
        let elsewhere = [StepType::Given, StepType::When, StepType::Then]
            .into_iter()
            .filter(|kind| *kind != step.ty)
            .find_map(|kind| {
                let other = gherkin::Step { ty: kind, ..step.clone() };
                let (_, _, location, _) = self.collection.find(&other).ok()??;
                Some(format!("undefined step: defined as a `{}`{}", attribute(kind), at(location)))
            });
        elsewhere.unwrap_or_else(|| {
            let near = nearest(&step.value, &Self::definitions());
            let near = if near.is_empty() { near } else { format!("the nearest known steps:\n{near}") };
            format!("undefined step\n{near}to define it:\n{}", snippet::<W>(step))
        })
    }
}

fn at(location: Option<Location>) -> String {
    location.map(|place| format!(" at {place}")).unwrap_or_default()
}

fn attribute(kind: StepType) -> &'static str {
    match kind {
        StepType::Given => "given",
        StepType::When => "when",
        StepType::Then => "then",
    }
}

/// A definition that would match the step: its quoted texts and numbers become parameters.
fn snippet<W>(step: &gherkin::Step) -> String {
    let world = std::any::type_name::<W>().rsplit("::").next().unwrap_or("World");
    let (mut expression, mut arguments) = (String::new(), vec![format!("world: &mut {world}")]);
    let mut rest = step.value.as_str();
    while let Some(first) = rest.chars().next() {
        let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let quoted = rest.strip_prefix('"').and_then(|tail| tail.find('"')).map(|end| end + 2);
        let length = if let Some(length) = quoted {
            expression.push_str("{string}");
            arguments.push(format!("text{}: String", arguments.len()));
            length
        } else if number > 0 {
            expression.push_str("{int}");
            arguments.push(format!("number{}: u64", arguments.len()));
            number
        } else {
            if matches!(first, '(' | ')' | '{' | '}' | '/' | '\\') {
                expression.push('\\');
            }
            expression.push(first);
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    if step.table.is_some() || step.docstring.is_some() {
        arguments.push("step: &gherkin::Step".into());
    }
    let (attribute, arguments) = (attribute(step.ty), arguments.join(", "));
    format!("#[{attribute}(expr = r#\"{expression}\"#)]\nasync fn name_of_the_step({arguments}) {{}}")
}
