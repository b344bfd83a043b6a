//! The packs that are part of the binary.

/// File name and text of each, in the order of compilation.
pub const PACKS: &[(&str, &str)] = &[
    ("stack-traces.toml", include_str!("../../config/rules/stack-traces.toml")),
    ("debug-pages.toml", include_str!("../../config/rules/debug-pages.toml")),
    ("secrets-source-hosting.toml", include_str!("../../config/rules/secrets-source-hosting.toml")),
    ("secrets-cloud.toml", include_str!("../../config/rules/secrets-cloud.toml")),
    ("secrets-saas.toml", include_str!("../../config/rules/secrets-saas.toml")),
    ("secrets-messaging.toml", include_str!("../../config/rules/secrets-messaging.toml")),
    ("secrets-ai.toml", include_str!("../../config/rules/secrets-ai.toml")),
    ("secrets-generic.toml", include_str!("../../config/rules/secrets-generic.toml")),
    ("secrets-framework.toml", include_str!("../../config/rules/secrets-framework.toml")),
    ("fields.toml", include_str!("../../config/rules/fields.toml")),
];
