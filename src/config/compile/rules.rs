//! `[rules]` → [`Ruleset`]: the built-in packs and the operator's, of which some rules are switched off.

use super::files::{PackFile, rule_packs};
use crate::{
    config::{Categories, ConfigError, Loaded, Rules, hints},
    incident::{Category, Mode},
    rules::{PACKS, PackError, Rule, json_key_rules, parse_pack},
    scan::{CompileError, Ruleset, anchors::AnchorError},
};

/// A rule and the position it is in.
#[derive(Clone, Debug)]
pub struct RuleInForce {
    /// The rule.
    pub rule: Rule,
    /// Off, or the position of its category.
    pub mode: Mode,
}

/// Every rule there is, in the order of the packs. A rule of the operator's replaces the built-in one of the same id.
///
/// # Errors
/// A pack that cannot be read, a rule of the operator's with an anchor that is too common, or an id in `rules.enabled` or `rules.disabled` that no rule has.
pub fn all_rules(loaded: &Loaded) -> Result<Vec<RuleInForce>, ConfigError> {
    let mut all = Vec::new();
    for (index, pack) in packs(loaded)?.iter().enumerate() {
        for rule in parse_pack(&pack.path, &pack.text).map_err(|error| pack_error(&error))? {
            if index >= PACKS.len() {
                Ruleset::lint(&rule).map_err(|error| compile_error(loaded, &error))?;
            }
            all.retain(|known: &Rule| known.id != rule.id);
            all.push(rule);
        }
    }
    check_ids(loaded, "enabled", &all)?;
    check_ids(loaded, "disabled", &all)?;
    check_frameworks(loaded, &all)?;
    all.extend(json_key_names(loaded)?.flat_map(json_key_rules));
    Ok(all.into_iter().map(|rule| RuleInForce { mode: mode(loaded, &rule), rule }).collect())
}

/// The rules that are not off, compiled.
///
/// # Errors
/// As [`all_rules`]; also a rule that cannot be compiled.
pub fn ruleset(loaded: &Loaded) -> Result<Ruleset, ConfigError> {
    let rules = all_rules(loaded)?.into_iter().filter(|it| it.mode != Mode::Off).map(|it| it.rule).collect();
    compile(loaded, rules)
}

/// Every rule, in force or not, compiled: to be tested.
///
/// # Errors
/// As [`ruleset`].
pub fn untested_ruleset(loaded: &Loaded) -> Result<Ruleset, ConfigError> {
    compile(loaded, all_rules(loaded)?.into_iter().map(|it| it.rule).collect())
}

/// The names in `rules.json_keys`.
fn json_key_names(loaded: &Loaded) -> Result<impl Iterator<Item = &str>, ConfigError> {
    let names = &loaded.config.rules.json_keys;
    if let Some(position) = names.iter().position(String::is_empty) {
        let path = ["rules", "json_keys", &position.to_string()].map(str::to_owned);
        let hint = "e.g. \"password\"";
        return Err(ConfigError::at(&loaded.origin(&path), &path.join("."), "expected the name of a member", hint));
    }
    Ok(names.iter().map(String::as_str))
}

/// The categories that do not simply follow the mode of a route, in which personal data is in position
/// `personal_data` at most.
pub(super) fn category_modes(rules: &Rules, personal_data: Mode) -> Vec<(Category, Mode)> {
    let position = |category| match category {
        Category::PersonalData => weaker(personal_data_mode(rules), personal_data),
        _ => category_mode(&rules.categories, category),
    };
    ALL.into_iter().map(|category| (category, position(category))).filter(|(_, mode)| *mode != Mode::Enforce).collect()
}

const ALL: [Category; 12] = [
    Category::DebugPage,
    Category::StackTrace,
    Category::SourceCode,
    Category::EnvDump,
    Category::SessionDump,
    Category::Secret,
    Category::ConfigFile,
    Category::SqlError,
    Category::DirListing,
    Category::ErrorMessage,
    Category::DisclosingHeader,
    Category::PersonalData,
];

/// Members are asked for by name, so they need no category besides; its own rules are not compiled while it is off.
fn personal_data_mode(rules: &Rules) -> Mode {
    match rules.categories.personal_data {
        Mode::Off if !rules.json_keys.is_empty() => Mode::Enforce,
        mode => mode,
    }
}

fn weaker(one: Mode, other: Mode) -> Mode {
    match (one, other) {
        (Mode::Off, _) | (_, Mode::Off) => Mode::Off,
        (Mode::Observe, _) | (_, Mode::Observe) => Mode::Observe,
        (Mode::Enforce, Mode::Enforce) => Mode::Enforce,
    }
}

fn category_mode(categories: &Categories, category: Category) -> Mode {
    match category {
        Category::DebugPage => categories.debug_page,
        Category::StackTrace => categories.stack_trace,
        Category::SourceCode => categories.source_code,
        Category::EnvDump => categories.env_dump,
        Category::SessionDump => categories.session_dump,
        Category::Secret => categories.secret,
        Category::ConfigFile => categories.config_file,
        Category::SqlError => categories.sql_error,
        Category::DirListing => categories.dir_listing,
        Category::ErrorMessage => categories.error_message,
        Category::DisclosingHeader => categories.disclosing_header,
        Category::PersonalData => categories.personal_data,
    }
}

/// Personal data is asked for by its category, every other opt-in rule by its id.
fn mode(loaded: &Loaded, rule: &Rule) -> Mode {
    let config = &loaded.config.rules;
    let asked_for = !rule.opt_in || rule.category == Category::PersonalData || config.enabled.contains(&rule.id);
    let disabled = config.disabled.contains(&rule.id)
        || rule.framework.as_ref().is_some_and(|framework| config.disabled_frameworks.contains(framework));
    if asked_for && !disabled {
        return match rule.category {
            Category::PersonalData if !rule.opt_in => personal_data_mode(config),
            category => category_mode(&config.categories, category),
        };
    }
    Mode::Off
}

fn packs(loaded: &Loaded) -> Result<Vec<PackFile>, ConfigError> {
    let built_in = |(name, text): &(&str, &str)| PackFile { path: (*name).to_owned(), text: (*text).to_owned() };
    let mut packs: Vec<PackFile> = PACKS.iter().map(built_in).collect();
    packs.extend(rule_packs(loaded)?);
    Ok(packs)
}

fn check_ids(loaded: &Loaded, list: &str, rules: &[Rule]) -> Result<(), ConfigError> {
    let config = &loaded.config.rules;
    let ids = if list == "enabled" { &config.enabled } else { &config.disabled };
    let known: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    check_names(loaded, (list, ids), &known, ("there is no such rule", "`cofferdam rules list` lists them"))
}

fn check_frameworks(loaded: &Loaded, rules: &[Rule]) -> Result<(), ConfigError> {
    let known: Vec<&str> = rules.iter().filter_map(|rule| rule.framework.as_deref()).collect();
    let listed = ("disabled_frameworks", loaded.config.rules.disabled_frameworks.as_slice());
    check_names(loaded, listed, &known, ("no rule is for this framework", "`cofferdam rules show` names a rule's"))
}

/// Whether all names of a list in `[rules]` are known; else the first that is not, with what it may have been.
fn check_names(
    loaded: &Loaded,
    (list, names): (&str, &[String]),
    known: &[&str],
    (what, hint): (&str, &str),
) -> Result<(), ConfigError> {
    let Some(position) = names.iter().position(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    let hint = match hints::nearest(&names[position], known) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => hint.to_owned(),
    };
    let path = ["rules", list, &position.to_string()].map(str::to_owned);
    Err(ConfigError::at(&loaded.origin(&path), &path.join("."), what, hint))
}

fn compile(loaded: &Loaded, rules: Vec<Rule>) -> Result<Ruleset, ConfigError> {
    let ruleset = Ruleset::compile(rules).map_err(|error| compile_error(loaded, &error))?;
    match loaded.config.rules.kernel.kernel() {
        None => Ok(ruleset),
        Some(kernel) => ruleset.with_kernel(kernel).map_err(|error| kernel_error(loaded, &error)),
    }
}

fn kernel_error(loaded: &Loaded, error: &AnchorError) -> ConfigError {
    let origin = loaded.origin(&["rules", "kernel"].map(str::to_owned));
    ConfigError::at(&origin, "rules.kernel", error.to_string(), "auto takes the fastest that there is")
}

/// The last pack that has the rule is the one it was compiled from.
fn compile_error(loaded: &Loaded, error: &CompileError) -> ConfigError {
    let packs = packs(loaded).unwrap_or_default();
    let has_it = |pack: &&PackFile| pack.text.contains(&format!("id = \"{}\"", error.rule));
    let pack = packs.iter().rev().find(has_it);
    let located = pack.map(|pack| PackError::about(&pack.path, &pack.text, &error.rule, error.what.clone()));
    match located {
        Some(located) => pack_error(&located),
        None => ConfigError { what: error.to_string(), place: "rules.dir".to_owned(), hint: PACK_HINT.to_owned() },
    }
}

const PACK_HINT: &str = "the built-in packs in config/rules show the form of rules; `cofferdam rules test` tests yours";

fn pack_error(error: &PackError) -> ConfigError {
    let place = format!("{}:{}", error.file, error.line);
    let text = error.to_string();
    let what = text.strip_prefix(&format!("{place}: ")).unwrap_or(&text);
    ConfigError { what: what.lines().next().unwrap_or_default().to_owned(), place, hint: PACK_HINT.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::loaded, *};
    use crate::scan::anchors::Kernel;

    #[test]
    fn the_kernel_that_is_asked_for_does_the_work() {
        let kernel = |text: &str| ruleset(&loaded(text)).unwrap().anchors().kernel();
        assert_eq!(kernel(""), Kernel::fastest());
        assert_eq!(kernel("rules.kernel = \"portable\""), Kernel::Portable);
    }

    #[test]
    fn a_kernel_that_this_processor_cannot_run_is_an_error_that_names_its_key() {
        let error = kernel_error(&loaded("rules.kernel = \"vbmi\""), &AnchorError::Unsupported(Kernel::Vbmi));
        assert!(error.place.ends_with("rules.kernel"), "{}", error.place);
        assert!(error.what.contains("vbmi"), "{}", error.what);
    }
}
