//! The packs that are part of the binary.

/// File name and text of each, in the order of compilation.
pub const PACKS: &[(&str, &str)] = &[
    ("generic.toml", include_str!("../../config/rules/generic.toml")),
    ("python.toml", include_str!("../../config/rules/python.toml")),
    ("node.toml", include_str!("../../config/rules/node.toml")),
    ("secrets.toml", include_str!("../../config/rules/secrets.toml")),
    ("fields.toml", include_str!("../../config/rules/fields.toml")),
];
