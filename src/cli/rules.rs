//! `cofferdam rules`: what counts as a leak.

use std::sync::Arc;

use super::{
    Exit, Failure, Terminal,
    arguments::{RulesArgs, RulesCommand},
    judge,
};
use crate::{
    config::{
        Environment, Loaded,
        compile::{self, RuleInForce},
    },
    engine::Engine,
    exchange,
    rules::Rule,
};

pub(super) fn run(args: &RulesArgs, environment: Environment, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    match &args.command {
        RulesCommand::List(files) => list(&compile::all_rules(&files.load(environment)?)?, terminal),
        RulesCommand::Show { id, files } => show(id, &compile::all_rules(&files.load(environment)?)?, terminal),
        RulesCommand::Test(files) => test(&files.load(environment)?, terminal),
    }
}

fn list(rules: &[RuleInForce], terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let width = rules.iter().map(|it| it.rule.id.len()).max().unwrap_or(0);
    for RuleInForce { rule, mode } in rules {
        let (severity, category) = (rule.severity.as_str(), rule.category.as_str());
        let (id, mode, title) = (&rule.id, mode.as_str(), &rule.title);
        writeln!(terminal.out, "{id:<width$}  {mode:<7}  {severity:<8}  {category:<17}  {title}")?;
    }
    Ok(Exit::Ok)
}

fn show(id: &str, rules: &[RuleInForce], terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let Some(RuleInForce { rule, mode }) = rules.iter().find(|it| it.rule.id == id) else {
        let hint = "`cofferdam rules list` lists them".to_owned();
        return Err(Failure::Usage("there is no such rule".to_owned(), format!("rule {id}"), hint));
    };
    writeln!(terminal.out, "{}\n{}\n", rule.id, rule.title)?;
    writeln!(terminal.out, "position   {}", mode.as_str())?;
    writeln!(terminal.out, "category   {}", rule.category.as_str())?;
    writeln!(terminal.out, "severity   {}", rule.severity.as_str())?;
    writeln!(terminal.out, "framework  {}", rule.framework.as_deref().unwrap_or("any"))?;
    writeln!(terminal.out, "advice     {}", rule.advice)?;
    Ok(Exit::Ok)
}

/// Rules are tested by themselves: routes and modes of the configuration have no part in it.
fn test(loaded: &Loaded, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let ruleset = compile::untested_ruleset(loaded)?;
    let rows: usize = ruleset.rules().iter().map(|compiled| rows(&compiled.rule)).sum();
    let failures = exchange::selftest(&Arc::new(Engine::with_rules(ruleset, judge::random_key()?)));
    for failure in &failures {
        writeln!(terminal.out, "{failure}")?;
    }
    writeln!(terminal.out, "{rows} rows, {} failed", failures.len())?;
    Ok(if failures.is_empty() { Exit::Ok } else { Exit::Findings })
}

fn rows(rule: &Rule) -> usize {
    rule.leak.len() + rule.benign.len()
}
