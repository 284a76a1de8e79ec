//! Chooses scenarios by tag expression and by name.

use cucumber::{codegen::Regex, gherkin::tagexpr::TagOperation, tag::Ext};

use super::suite::Case;

/// Which scenarios are wanted.
#[derive(Debug, Default)]
pub struct Filter {
    tags: Option<TagOperation>,
    name: Option<Name>,
}

/// A piece of a name, and the regular expression it may be.
#[derive(Debug)]
struct Name {
    literal: String,
    regex: Option<Regex>,
}

/// The tag expression cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("`{expression}` is not a tag expression")]
#[diagnostic(help(
    "tags with `@`, `and`, `or`, `not` and parentheses: \"@smoke and not (@slow or @hardware)\""
))]
pub struct FilterError {
    expression: String,
}

impl Filter {
    /// A filter from what the user wrote; what is absent lets everything through.
    ///
    /// # Errors
    /// When the tag expression cannot be read.
    pub fn new(tags: Option<&str>, name: Option<&str>) -> Result<Self, FilterError> {
        let tags = tags
            .map(|expression| {
                expression.trim().parse().map_err(|_| FilterError { expression: expression.to_owned() })
            })
            .transpose()?;
        let name = name.map(|literal| Name { literal: literal.to_owned(), regex: Regex::new(literal).ok() });
        Ok(Self { tags, name })
    }

    /// Whether a scenario is wanted.
    pub fn matches(&self, case: &Case) -> bool {
        let by_tags = self.tags.as_ref().is_none_or(|tags| tags.eval(case.tags()));
        let by_name = self.name.as_ref().is_none_or(|wanted| {
            let name = case.name();
            name.contains(&wanted.literal) || wanted.regex.as_ref().is_some_and(|regex| regex.is_match(name))
        });
        by_tags && by_name
    }
}
