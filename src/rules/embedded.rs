//! The packs that are part of the binary.

/// File name and text of each, in the order of compilation.
pub const PACKS: &[(&str, &str)] = &[
    ("generic.toml", include_str!("../../config/rules/generic.toml")),
    ("python.toml", include_str!("../../config/rules/python.toml")),
    ("node.toml", include_str!("../../config/rules/node.toml")),
    ("ruby.toml", include_str!("../../config/rules/ruby.toml")),
    ("php.toml", include_str!("../../config/rules/php.toml")),
    ("php-frameworks.toml", include_str!("../../config/rules/php-frameworks.toml")),
    ("java.toml", include_str!("../../config/rules/java.toml")),
    ("others.toml", include_str!("../../config/rules/others.toml")),
    ("native.toml", include_str!("../../config/rules/native.toml")),
    ("dotnet.toml", include_str!("../../config/rules/dotnet.toml")),
    ("perl.toml", include_str!("../../config/rules/perl.toml")),
    ("sql.toml", include_str!("../../config/rules/sql.toml")),
    ("files.toml", include_str!("../../config/rules/files.toml")),
    ("dumps.toml", include_str!("../../config/rules/dumps.toml")),
    ("secrets-source-hosting.toml", include_str!("../../config/rules/secrets-source-hosting.toml")),
    ("secrets-cloud.toml", include_str!("../../config/rules/secrets-cloud.toml")),
    ("secrets-saas.toml", include_str!("../../config/rules/secrets-saas.toml")),
    ("secrets-messaging.toml", include_str!("../../config/rules/secrets-messaging.toml")),
    ("secrets-ai.toml", include_str!("../../config/rules/secrets-ai.toml")),
    ("secrets-generic.toml", include_str!("../../config/rules/secrets-generic.toml")),
    ("secrets-framework.toml", include_str!("../../config/rules/secrets-framework.toml")),
    ("env.toml", include_str!("../../config/rules/env.toml")),
    ("personal.toml", include_str!("../../config/rules/personal.toml")),
    ("fields.toml", include_str!("../../config/rules/fields.toml")),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::rules::parse_pack;

    #[test]
    fn no_rule_is_lost_to_another_of_the_same_id() {
        let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap());
        let mut seen = HashSet::new();
        let doubled: Vec<_> = rules.map(|rule| rule.id).filter(|id| !seen.insert(id.clone())).collect();
        assert!(doubled.is_empty(), "{doubled:?}");
    }
}
