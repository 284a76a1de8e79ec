//! Which scenario a report is about, without anything that is needed to run it: it can be read back from a file.

use crate::runner::suite::Case;

use super::redact::Redactor;

/// A scenario as reports name it; PINs and passwords in it are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseHead {
    pub(crate) feature: FeatureHead,
    /// The background whose steps it begins with, if it has one.
    pub(crate) background: Option<BackgroundHead>,
    pub(crate) keyword: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) line: usize,
    pub(crate) tags: Vec<String>,
}

/// The feature of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeatureHead {
    pub(crate) path: String,
    pub(crate) keyword: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) line: usize,
    pub(crate) tags: Vec<String>,
}

/// The background of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BackgroundHead {
    pub(crate) keyword: String,
    pub(crate) name: String,
    pub(crate) line: usize,
}

impl CaseHead {
    pub(crate) fn of(case: &Case) -> Self {
        let feature = &case.file.feature;
        let background = case.background.first().map(|first| match &feature.background {
            Some(own) => BackgroundHead {
                keyword: own.keyword.clone(),
                name: own.name.clone(),
                line: own.position.line,
            },
            // The background of a rule.
            None => BackgroundHead {
                keyword: "Background".into(),
                name: String::new(),
                line: first.position.line,
            },
        });
        Self {
            feature: FeatureHead {
                path: case.file.path.clone(),
                keyword: feature.keyword.clone(),
                name: feature.name.clone(),
                description: feature.description.clone().unwrap_or_default(),
                line: feature.position.line,
                tags: feature.tags.clone(),
            },
            background,
            keyword: case.scenario.keyword.clone(),
            title: case.title(),
            description: Redactor::of(case).mask(case.scenario.description.as_deref().unwrap_or_default()),
            line: case.line(),
            tags: case.tags().to_vec(),
        }
    }

    /// The path of the feature file, as shown.
    pub fn feature(&self) -> &str {
        &self.feature.path
    }

    /// The feature's name.
    pub fn feature_name(&self) -> &str {
        &self.feature.name
    }

    /// The name as shown, with the row's number if it is a row of an outline.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The scenario's line; for a row of an outline, the row's line.
    pub fn line(&self) -> usize {
        self.line
    }

    /// `FILE:LINE`, which selects this scenario alone.
    pub fn place(&self) -> String {
        format!("{}:{}", self.feature.path, self.line)
    }

    /// Tags of the scenario, its rule and its feature, without `@`.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }
}
