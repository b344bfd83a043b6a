//! What the operator may have meant.

use super::schema::Schema;

/// For a key that does not exist: the nearest in its section, or the section where such a key does exist, or all
/// names of the section.
pub(super) fn for_key(schema: &Schema, path: &[String]) -> String {
    let Some((name, section)) = path.split_last() else { return String::new() };
    let names = schema.names(section);
    if let Some(near) = nearest(name, &names) {
        return format!("did you mean \"{near}\"?");
    }
    let suffix = format!(".{name}");
    if let Some(key) = schema.keys().iter().find(|key| *key == name || key.ends_with(&suffix)) {
        return format!("there is a key {key}");
    }
    match section {
        [] => format!("there are: {}", names.join(", ")),
        _ => format!("in {} there are: {}", section.join("."), names.join(", ")),
    }
}

/// For a variable that names no key.
pub(super) fn for_variable(schema: &Schema, prefix: &str, name: &str) -> String {
    let variables: Vec<String> = schema.keys().iter().map(|key| variable(prefix, key)).collect();
    let candidates: Vec<&str> = variables.iter().map(String::as_str).collect();
    match nearest(name, &candidates) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("sections and keys are joined by two underscores, as in {prefix}SERVER__LISTEN"),
    }
}

/// The candidate that differs least from `name`, if it differs by no more than a third of the name.
pub(super) fn nearest<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(1);
    candidates
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn variable(prefix: &str, key: &str) -> String {
    format!("{prefix}{}", key.replace('.', "__").replace('-', "_").to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("maxhold", &["hold", "max_hold", "mode"]), Some("max_hold"));
        assert_eq!(nearest("mdoe", &["hold", "mode"]), Some("mode"));
        assert_eq!(nearest("zzz", &["hold", "mode"]), None);
    }
}
