//! `[rules]` → [`Ruleset`]: the built-in packs and the operator's, of which some rules are switched off.

use super::files::{PackFile, rule_packs};
use crate::{
    config::{Categories, ConfigError, Loaded, hints},
    incident::{Category, Mode},
    rules::{PACKS, PackError, Rule, parse_pack},
    scan::{CompileError, Ruleset},
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
/// A pack that cannot be read, or an id in `rules.enabled` or `rules.disabled` that no rule has.
pub fn all_rules(loaded: &Loaded) -> Result<Vec<RuleInForce>, ConfigError> {
    let mut all = Vec::new();
    for pack in packs(loaded)? {
        for rule in parse_pack(&pack.path, &pack.text).map_err(|error| pack_error(&error))? {
            all.retain(|known: &Rule| known.id != rule.id);
            all.push(rule);
        }
    }
    check_ids(loaded, "enabled", &all)?;
    check_ids(loaded, "disabled", &all)?;
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

/// The categories that do not simply follow the mode of a route.
pub(super) fn category_modes(categories: &Categories) -> Vec<(Category, Mode)> {
    ALL.into_iter()
        .map(|category| (category, category_mode(categories, category)))
        .filter(|(_, mode)| *mode != Mode::Enforce)
        .collect()
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
    if asked_for && !config.disabled.contains(&rule.id) {
        return category_mode(&config.categories, rule.category);
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
    let Some(position) = ids.iter().position(|id| !known.contains(&id.as_str())) else { return Ok(()) };
    let hint = match hints::nearest(&ids[position], &known) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "`cofferdam rules list` lists them".to_owned(),
    };
    let path = ["rules", list, &position.to_string()].map(str::to_owned);
    Err(ConfigError::at(&loaded.origin(&path), &path.join("."), "there is no such rule", hint))
}

fn compile(loaded: &Loaded, rules: Vec<Rule>) -> Result<Ruleset, ConfigError> {
    Ruleset::compile(rules).map_err(|error| compile_error(loaded, &error))
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
