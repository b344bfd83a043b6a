//! `cofferdam rules`: what counts as a leak.

use super::{
    Exit, Failure, Terminal,
    arguments::{RulesArgs, RulesCommand},
};
use crate::{
    config::{Environment, Loaded},
    incident::{Category, Severity},
};

/// A rule as it is shown.
struct Listed {
    id: String,
    category: Category,
    severity: Severity,
    framework: Option<String>,
    title: String,
    advice: String,
}

/// A row of a rule that did not do what it says.
struct FailedRow {
    rule: String,
    what: String,
}

pub(super) fn run(args: &RulesArgs, environment: Environment, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    match &args.command {
        RulesCommand::List(files) => list(&catalogue(&files.load(environment)?)?, terminal),
        RulesCommand::Show { id, files } => show(id, &catalogue(&files.load(environment)?)?, terminal),
        RulesCommand::Test(files) => test(&self_test(&files.load(environment)?)?, terminal),
    }
}

/// The rules in force, in the order of their ids.
fn catalogue(_loaded: &Loaded) -> Result<Vec<Listed>, Failure> {
    Err(anyhow::anyhow!("this build has no rules").into())
}

/// Runs every row of every rule; the number of rows, and those that failed.
fn self_test(_loaded: &Loaded) -> Result<(usize, Vec<FailedRow>), Failure> {
    Err(anyhow::anyhow!("this build has no rules").into())
}

fn list(rules: &[Listed], terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    for Listed { id, category, severity, title, .. } in rules {
        writeln!(terminal.out, "{id:<width$}  {:<8}  {:<17}  {title}", severity.as_str(), category.as_str())?;
    }
    Ok(Exit::Ok)
}

fn show(id: &str, rules: &[Listed], terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let Some(rule) = rules.iter().find(|rule| rule.id == id) else {
        let hint = "`cofferdam rules list` lists them".to_owned();
        return Err(Failure::Usage("there is no such rule".to_owned(), format!("rule {id}"), hint));
    };
    let framework = rule.framework.as_deref().unwrap_or("any");
    writeln!(terminal.out, "{}\n{}\n", rule.id, rule.title)?;
    writeln!(terminal.out, "category   {}", rule.category.as_str())?;
    writeln!(terminal.out, "severity   {}", rule.severity.as_str())?;
    writeln!(terminal.out, "framework  {framework}")?;
    writeln!(terminal.out, "advice     {}", rule.advice)?;
    Ok(Exit::Ok)
}

fn test((rows, failed): &(usize, Vec<FailedRow>), terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    for FailedRow { rule, what } in failed {
        writeln!(terminal.out, "{rule}: {what}")?;
    }
    writeln!(terminal.out, "{rows} rows, {} failed", failed.len())?;
    Ok(if failed.is_empty() { Exit::Ok } else { Exit::Findings })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(run: impl FnOnce(&mut Terminal<'_>) -> Result<Exit, Failure>) -> (Result<Exit, Failure>, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = run(&mut Terminal { input: &mut std::io::empty(), out: &mut out, err: &mut err });
        (exit, String::from_utf8(out).unwrap())
    }

    fn rules() -> Vec<Listed> {
        vec![Listed {
            id: "werkzeug-debugger".into(),
            category: Category::DebugPage,
            severity: Severity::Critical,
            framework: Some("werkzeug".into()),
            title: "Werkzeug's interactive debugger".into(),
            advice: "turn debug off".into(),
        }]
    }

    #[test]
    fn a_list_has_a_line_for_each_rule() {
        let (_, out) = printed(|terminal| list(&rules(), terminal));
        insta::assert_snapshot!(out, @"werkzeug-debugger  critical  debug-page         Werkzeug's interactive debugger");
    }

    #[test]
    fn a_rule_is_shown_with_its_advice() {
        let (_, out) = printed(|terminal| show("werkzeug-debugger", &rules(), terminal));
        insta::assert_snapshot!(out, @"
        werkzeug-debugger
        Werkzeug's interactive debugger

        category   debug-page
        severity   critical
        framework  werkzeug
        advice     turn debug off
        ");
        let (missing, _) = printed(|terminal| show("x", &rules(), terminal));
        assert!(matches!(missing, Err(Failure::Usage(..))));
    }

    #[test]
    fn a_failed_row_is_a_finding() {
        let failed = FailedRow { rule: "werkzeug-debugger".into(), what: "leak row 2 was not found".into() };
        let (exit, out) = printed(|terminal| test(&(12, vec![failed]), terminal));
        assert_eq!(exit.unwrap(), Exit::Findings);
        assert_eq!(out, "werkzeug-debugger: leak row 2 was not found\n12 rows, 1 failed\n");
        assert_eq!(printed(|terminal| test(&(12, Vec::new()), terminal)).0.unwrap(), Exit::Ok);
    }
}
