//! What can be said on the command line. The doc comments of fields are their help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{Failure, audit::Grade};
use crate::config::{Environment, Flag, Loaded, PRESETS, Sources, load};

/// Keeps debug pages, stack traces and secrets of a leaky web application from its visitors.
#[derive(Debug, Parser)]
#[command(name = "cofferdam", version, disable_help_subcommand = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 something was found, 2 wrong usage or configuration, 70 internal error";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Put the proxy in front of an application
    Run(Settings),
    /// Show what cofferdam does, with a leaky application of its own
    Demo(DemoArgs),
    /// Validate the configuration and show every value in force and where it comes from
    Check(CheckArgs),
    /// Look for leaks in files, raw HTTP responses and HAR archives
    Scan(ScanArgs),
    /// Grade what visitors of an application can see of it, by a few dozen GET requests
    Audit(AuditArgs),
    /// List, show and test the rules
    Rules(RulesArgs),
    /// Tell why a captured response would be let through, masked or replaced
    Explain(ExplainArgs),
    /// Make keys for sealed cookies
    Keys(KeysArgs),
    /// Print the version
    Version,
}

/// The settings that most commands take.
#[derive(Clone, Debug, Default, Args)]
pub struct Settings {
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Where the application is: http://HOST:PORT or unix:/PATH [key: upstream.url]
    #[arg(long, value_name = "URL")]
    pub upstream: Option<String>,
    /// Where to listen: ADDRESS:PORT or unix:/PATH [key: server.listen]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Report only, change nothing [key: profile]
    #[arg(long)]
    pub observe: bool,
}

/// Where the configuration is.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigFiles {
    /// The configuration file [variable: COFFERDAM_CONFIG]
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A built-in preset; may be given several times, later ones win.
    #[arg(long, short, value_name = "NAME", value_delimiter = ',', help = preset_help())]
    pub preset: Vec<String>,
    /// Set any key of the configuration, e.g. --set inspect.hold=128KiB
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Print the table and end; otherwise both stay up until interrupted
    #[arg(long)]
    pub once: bool,
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub settings: Settings,
    /// Show only what is not a default
    #[arg(long)]
    pub changed: bool,
    /// Show what becomes of the cookies of a captured response, and by which settings; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "changed")]
    pub cookies: Option<PathBuf>,
    /// The form of the report of --cookies
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", requires = "cookies")]
    pub format: Format,
}

/// `scan`.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Files and directories; - is standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The form of the report
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: ReportFormat,
    #[command(flatten)]
    pub files: ConfigFiles,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
}

/// The form of the report of `scan`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
    /// SARIF 2.1.0, for code hosting services
    Sarif,
}

/// `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// The application, behind cofferdam or without it: http://… or https://…
    #[arg(value_name = "URL")]
    pub url: String,
    /// The worst grade that is no finding
    #[arg(long, value_enum, ignore_case = true, default_value = "B", value_name = "GRADE")]
    pub fail_under: Grade,
    /// The authority of the server's certificate, in PEM; without it those of the system
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Do not ask for debug endpoints and files
    #[arg(long)]
    pub no_probes: bool,
    /// The form of the report
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    #[command(flatten)]
    pub files: ConfigFiles,
}

/// `rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: RulesCommand,
}

/// The subcommands of `rules`.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List all rules in force
    List(ConfigFiles),
    /// Show one rule and what to do when it is found
    Show {
        /// The rule's id
        id: String,
        #[command(flatten)]
        files: ConfigFiles,
    },
    /// Test every rule with its own examples, whole and split at every byte
    Test(ConfigFiles),
}

/// `keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// The subcommands of `keys`.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a random key and write it as a key file for cookies.seal.keys
    Generate {
        /// A new file, readable for its owner alone; without one the key is printed
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A raw HTTP response, a HAR archive, or a body; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub files: ConfigFiles,
}

impl Settings {
    /// Loads the configuration these settings and the environment make.
    pub(super) fn load(&self, environment: Environment) -> Result<Loaded, Failure> {
        let named = [("--listen", "server.listen", &self.listen), ("--upstream", "upstream.url", &self.upstream)];
        let mut flags: Vec<Flag> =
            named.into_iter().filter_map(|(name, key, value)| Some(flag(name, key, value.as_deref()?))).collect();
        if self.observe {
            flags.push(flag("--observe", "profile", "observe"));
        }
        self.files.load_with(environment, flags)
    }
}

impl ConfigFiles {
    /// Loads the configuration these files and the environment make.
    pub(super) fn load(&self, environment: Environment) -> Result<Loaded, Failure> {
        self.load_with(environment, Vec::new())
    }

    /// The configuration file, if one is named.
    pub(super) fn file(&self, environment: &Environment) -> Option<PathBuf> {
        self.config.clone().or_else(|| non_empty(environment, "COFFERDAM_CONFIG").map(PathBuf::from))
    }

    /// What a flag of its own says wins over `--set`.
    fn load_with(&self, environment: Environment, named: Vec<Flag>) -> Result<Loaded, Failure> {
        let mut flags = self.set.iter().map(|text| assignment(text)).collect::<Result<Vec<_>, _>>()?;
        flags.extend(named);
        let file = self.file(&environment);
        let presets = match non_empty(&environment, "COFFERDAM_PRESET") {
            Some(names) if self.preset.is_empty() => names.split(',').map(|name| name.trim().to_owned()).collect(),
            _ => self.preset.clone(),
        };
        Ok(load(&Sources { presets, file, environment, flags })?)
    }
}

fn assignment(text: &str) -> Result<Flag, Failure> {
    match text.split_once('=') {
        Some((key, value)) => Ok(flag("--set", key.trim(), value)),
        None => {
            let [what, hint] = ["expected a key, = and a value", "e.g. --set inspect.hold=128KiB"];
            Err(Failure::Usage(what.to_owned(), "flag --set".to_owned(), hint.to_owned()))
        }
    }
}

fn flag(name: &str, key: &str, value: &str) -> Flag {
    Flag { name: name.to_owned(), key: key.to_owned(), value: value.to_owned() }
}

fn non_empty<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment.get(name).filter(|value| !value.is_empty())
}

fn preset_help() -> String {
    let names = PRESETS.map(|(name, _)| name).join(", ");
    format!("Start from presets, later ones win: {names} [variable: COFFERDAM_PRESET]")
}
