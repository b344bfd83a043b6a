//! The report of `check --cookies`.

use std::io::{self, Write};

use serde_json::json;

use super::{Treated, Treatment, change::Change};
use crate::cli::arguments::Format;

pub(super) fn print(format: Format, treated: &[Treated], out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => text(treated, out),
        Format::Json => writeln!(out, "{:#}", json!({"version": 1, "responses": treated})),
    }
}

fn text(treated: &[Treated], out: &mut dyn Write) -> io::Result<()> {
    for response in treated.iter().filter(|response| !response.cookies.is_empty()) {
        let spoken = if response.tls { "TLS" } else { "plain HTTP" };
        writeln!(out, "{}: route {}, as over {spoken}", response.name, response.route)?;
        response.cookies.iter().try_for_each(|cookie| treatment(cookie, out))?;
    }
    let cookies = || treated.iter().flat_map(|response| &response.cookies);
    let changed = cookies().filter(|cookie| cookie.is_changed()).count();
    writeln!(out, "{} responses, {} cookies, {changed} changed", treated.len(), cookies().count())?;
    if cookies().next().is_some() {
        writeln!(out, "Values are not shown: …(6) is one of 6 bytes")?;
    }
    if treated.iter().any(|response| !response.tls && !response.cookies.is_empty()) {
        writeln!(out, "Secure and prefixes are given over TLS: see it with --set server.behind_tls=true")?;
    }
    Ok(())
}

fn treatment(cookie: &Treatment, out: &mut dyn Write) -> io::Result<()> {
    let sign = if cookie.is_changed() { '-' } else { '=' };
    writeln!(out, "  {sign} {}", cookie.before)?;
    if let Some(after) = cookie.after.as_ref().filter(|_| cookie.is_changed()) {
        writeln!(out, "  + {after}")?;
    }
    cookie.changes.iter().try_for_each(|it| change(it, out))
}

fn change(change: &Change, out: &mut dyn Write) -> io::Result<()> {
    let Change { what, key, value, origin, observed } = change;
    let observed = if *observed { ", observed only" } else { "" };
    let assignment = if value.is_empty() { key.clone() } else { format!("{key} = {value}") };
    let origin = if origin.is_empty() { String::new() } else { format!(" ({origin})") };
    writeln!(out, "      {what:<18} {assignment}{origin}{observed}")
}
