//! Reading a pack: TOML text to rules, with errors that name file, line and rule.

use serde::Deserialize;

use super::Rule;

/// The longest id; it stands in every mask token.
const ID_MAX: usize = 48;

/// The shortest anchor; shorter ones stand on every page.
const ANCHOR_MIN: usize = 3;

/// What is wrong with a pack, where.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{file}:{line}: {rule}{what}")]
pub struct PackError {
    /// The file as named by the caller.
    pub file: String,
    /// The 1-based line.
    pub line: usize,
    /// `rule "id": ` or empty.
    rule: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl PackError {
    /// An error about `rule` found after parsing, when only its id is known.
    pub fn about(file: &str, text: &str, rule: &str, what: String) -> Self {
        Self { file: file.to_owned(), line: line_of_id(text, rule), rule: format!("rule {rule:?}: "), what }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    #[serde(default)]
    rule: Vec<Rule>,
}

/// The rules of one pack, in order.
///
/// # Errors
/// The first thing that is wrong: syntax, an unknown key or value, an id that is missing, malformed or doubled, a
/// rule without rows of its own.
pub fn parse_pack(file: &str, text: &str) -> Result<Vec<Rule>, PackError> {
    let pack: Pack = toml::from_str(text).map_err(|error| syntax_error(file, text, &error))?;
    for (position, rule) in pack.rule.iter().enumerate() {
        check(rule).map_err(|what| PackError::about(file, text, &rule.id, what))?;
        if pack.rule[..position].iter().any(|earlier| earlier.id == rule.id) {
            return Err(PackError::about(file, text, &rule.id, "the id stands twice in this pack".to_owned()));
        }
    }
    Ok(pack.rule)
}

fn check(rule: &Rule) -> Result<(), String> {
    let well_formed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_' || b == b'.';
    if rule.id.is_empty() || rule.id.len() > ID_MAX || !rule.id.bytes().all(well_formed) {
        return Err(format!("an id is 1 to {ID_MAX} of a-z, 0-9, '-', '_', '.'"));
    }
    if rule.anchors.is_empty() {
        return Err("a rule needs at least one anchor".to_owned());
    }
    if let Some(short) = rule.anchors.iter().find(|anchor| anchor.len() < ANCHOR_MIN) {
        return Err(format!("the anchor {short:?} is shorter than {ANCHOR_MIN} bytes"));
    }
    if rule.leak.is_empty() || rule.benign.is_empty() {
        return Err("a rule needs at least one leak row and one benign row of its own".to_owned());
    }
    if rule.confirm.at_least.is_some_and(|n| n == 0 || n > rule.confirm.any.len()) {
        return Err(format!("at-least lies between 1 and the number of any ({})", rule.confirm.any.len()));
    }
    Ok(())
}

fn syntax_error(file: &str, text: &str, error: &toml::de::Error) -> PackError {
    let start = error.span().map_or(0, |span| span.start);
    let rule = text[..start].rfind("[[rule]]").and_then(|at| id_in(&text[at..])).unwrap_or_default();
    let rule = if rule.is_empty() { rule } else { format!("rule {rule:?}: ") };
    PackError { file: file.to_owned(), line: line_at(text, start), rule, what: error.message().to_owned() }
}

fn id_in(rule: &str) -> Option<String> {
    let line = rule.lines().take(8).find(|line| line.trim_start().starts_with("id"))?;
    line.split('"').nth(1).map(str::to_owned)
}

fn line_of_id(text: &str, id: &str) -> usize {
    text.find(&format!("id = \"{id}\"")).map_or(1, |at| line_at(text, at))
}

fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"
[[rule]]
id = "one"
category = "secret"
severity = "high"
title = "t"
advice = "a"
action = "mask"
anchors = ["abc_"]
leak = ["abc_1"]
benign = ["abc"]
"#;

    #[test]
    fn a_pack_gives_its_rules_in_order() {
        let two = format!("{ROW}{}", ROW.replace("one", "two").replace("\"mask\"", "\"frame\""));
        let ids: Vec<_> = parse_pack("p.toml", &two).unwrap().into_iter().map(|rule| rule.id).collect();
        assert_eq!(ids, ["one", "two"]);
    }

    #[test]
    fn an_error_names_file_line_and_rule() {
        let typo = ROW.replace("anchors", "ancors");
        let error = parse_pack("p.toml", &typo).unwrap_err();
        assert!(error.to_string().starts_with("p.toml:"), "{error}");
        assert!(error.to_string().contains("ancors"), "{error}");
        let doubled = parse_pack("p.toml", &format!("{ROW}{ROW}")).unwrap_err();
        assert_eq!(doubled.to_string(), "p.toml:3: rule \"one\": the id stands twice in this pack");
    }

    #[test]
    fn a_rule_without_rows_of_its_own_is_refused() {
        let error = parse_pack("p.toml", &ROW.replace(r#"benign = ["abc"]"#, "benign = []")).unwrap_err();
        assert!(error.what.contains("benign row"), "{error}");
    }
}
