//! Chooses scenarios by tag expression and by name.

use cucumber::{codegen::Regex, gherkin::tagexpr::TagOperation, tag::Ext};

use super::suite::Case;

/// Which scenarios are wanted.
#[derive(Debug, Default)]
pub struct Filter {
    tags: Option<TagOperation>,
    name: Option<Regex>,
}

/// What cannot be read of a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum FilterError {
    /// The tag expression.
    #[error("`{expression}` is not a tag expression")]
    #[diagnostic(help(
        "tags with `@`, `and`, `or`, `not` and parentheses: \"@smoke and not (@slow or @hardware)\"\n“{expression}”不是标签表达式；由带@的标签、and、or、not和括号组成"
    ))]
    Tags {
        /// As it was given.
        expression: String,
    },
    /// The regular expression of names.
    #[error("`{expression}` is not a regular expression: {reason}")]
    #[diagnostic(help(
        "a piece of the name is one; write a backslash before ( ) [ ] {{ }} . * + ? | ^ $\n“{expression}”不是正则表达式；名称的一部分即可，特殊字符前加反斜杠"
    ))]
    Name {
        /// As it was given.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Filter {
    /// A filter from what the user wrote; what is absent lets everything through.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn new(tags: Option<&str>, name: Option<&str>) -> Result<Self, FilterError> {
        let tags = tags
            .map(|expression| {
                expression.trim().parse().map_err(|_| FilterError::Tags { expression: expression.to_owned() })
            })
            .transpose()?;
        let name = name.map(|expression| {
            let last = |error: &dyn std::fmt::Display| {
                error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            };
            Regex::new(expression).map_err(|error| FilterError::Name {
                expression: expression.to_owned(),
                reason: last(&error),
            })
        });
        let name = name.transpose()?;
        Ok(Self { tags, name })
    }

    /// Whether a scenario is wanted.
    pub fn matches(&self, case: &Case) -> bool {
        let by_tags = self.tags.as_ref().is_none_or(|tags| tags.eval(case.tags()));
        let by_name = self.name.as_ref().is_none_or(|wanted| wanted.is_match(case.name()));
        by_tags && by_name
    }
}
