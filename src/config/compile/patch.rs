//! `[[guard.patch]]` → [`PatchPolicy`].

use super::Place;
use crate::{
    config::{ConfigError, Guard, Patch},
    request::{PatchPolicy, PatchRow},
};

/// The error of a row names the file and line where the row begins.
pub(super) fn compile(place: &Place<'_>, guard: &Guard) -> Result<PatchPolicy, ConfigError> {
    let rows: Vec<(String, PatchRow)> =
        guard.patch.iter().enumerate().map(|(position, patch)| (position.to_string(), row(patch))).collect();
    let rows = rows.iter().map(|(position, row)| (position.as_str(), row));
    PatchPolicy::compile(place.mode(guard.patch_mode), rows).map_err(|error| {
        let hint = "e.g. path = \"/user/{id:int}\", methods = [\"GET\"], content_types = [\"application/json\"]";
        place.error(&format!("guard.patch.{}", error.origin), error.problem, hint)
    })
}

fn row(patch: &Patch) -> PatchRow {
    let texts = |texts: &[String]| texts.iter().map(|text| text.as_str().into()).collect();
    PatchRow {
        path: patch.path.as_str().into(),
        methods: texts(&patch.methods),
        content_types: texts(&patch.content_types),
        query: patch.query.iter().map(|(name, kind)| (name.as_str().into(), kind.as_str().into())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        routes,
        tests::{loaded, policy_for, rates},
    };
    use crate::incident::Mode;

    #[test]
    fn a_patch_that_cannot_be_meant_names_file_and_line() {
        let first = "[[guard.patch]]\npath = \"/user/{id:int}\"\nquery = { page = \"int\" }\n\n";
        for second in [
            "path = \"user\"",
            "path = \"/user/{id:number}\"",
            "path = \"/user/{id}\"",
            "path = \"/a\"\nmethods = [\"GET POST\"]",
            "path = \"/a\"\ncontent_types = [\"json\"]",
            "path = \"/a\"\nquery = { page = \"number\" }",
        ] {
            let error = routes(&loaded(&format!("{first}[[guard.patch]]\n{second}")), &rates()).unwrap_err();
            assert!(error.place.ends_with("cofferdam.toml:5: guard.patch.1"), "{second}: {}", error.place);
        }
    }

    #[test]
    fn patches_act_unless_told_otherwise() {
        let mode = |text: &str| policy_for(text, "/").guard.patches.mode;
        assert_eq!(mode(""), Mode::Enforce);
        assert_eq!(mode("guard.patch_mode = \"observe\""), Mode::Observe);
    }
}
