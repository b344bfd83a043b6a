//! The escaped spellings of an anchor: how its quotes, slashes and brackets look inside JSON, HTML and URLs. They
//! are looked for beside the anchor itself, so that the text view is built where one of them stands.

/// The spellings of `anchor` that differ from it, without doubles.
pub(super) fn escaped_spellings(anchor: &str) -> Vec<String> {
    let mut spellings: Vec<String> = Vec::new();
    for style in STYLES {
        let spelling = anchor.chars().map(style).collect::<String>();
        if spelling != anchor && !spellings.contains(&spelling) {
            spellings.push(spelling);
        }
    }
    spellings
}

type Style = fn(char) -> String;

/// JSON; JSON with escaped slashes; HTML with named, decimal and hexadecimal entities; egg and youch; JSON in HTML;
/// URLs.
const STYLES: &[Style] = &[
    |char| match char {
        '"' => r#"\""#.to_owned(),
        '\\' => r"\\".to_owned(),
        '\n' => r"\n".to_owned(),
        '\t' => r"\t".to_owned(),
        other => other.to_string(),
    },
    |char| match char {
        '"' => r#"\""#.to_owned(),
        '/' => r"\/".to_owned(),
        '\n' => r"\n".to_owned(),
        other => other.to_string(),
    },
    |char| match char {
        '"' => "&quot;".to_owned(),
        '\'' => "&#x27;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '&' => "&amp;".to_owned(),
        other => other.to_string(),
    },
    |char| match char {
        '"' => "&#34;".to_owned(),
        '\'' => "&#39;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '&' => "&amp;".to_owned(),
        other => other.to_string(),
    },
    |char| match char {
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '&' => "&amp;".to_owned(),
        '/' => "&#x2F;".to_owned(),
        '=' => "&#x3D;".to_owned(),
        '`' => "&#x60;".to_owned(),
        other => other.to_string(),
    },
    |char| match char {
        '"' => r"\&quot;".to_owned(),
        '\n' => r"\n".to_owned(),
        other => other.to_string(),
    },
    |char| match char {
        '"' => r"\&#34;".to_owned(),
        '\n' => r"\n".to_owned(),
        other => other.to_string(),
    },
    |char| match char {
        ' ' => "&nbsp".to_owned(),
        '"' => "&quot;".to_owned(),
        other => other.to_string(),
    },
    |char| match char {
        ' ' => "%20".to_owned(),
        '"' => "%22".to_owned(),
        '/' => "%2F".to_owned(),
        ':' => "%3A".to_owned(),
        '=' => "%3D".to_owned(),
        '(' => "%28".to_owned(),
        '<' => "%3C".to_owned(),
        '\n' => "%0A".to_owned(),
        other => other.to_string(),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_of_letters_has_one_spelling() {
        assert!(escaped_spellings("SECRET_KEY").is_empty());
    }

    #[test]
    fn quotes_and_slashes_are_spelt_in_every_way_pages_do() {
        let spellings = escaped_spellings("File \"/srv");
        for wanted in [
            r#"File \"/srv"#,
            r#"File \"\/srv"#,
            "File &quot;/srv",
            "File &#34;/srv",
            "File &quot;&#x2F;srv",
            "File%20%22%2Fsrv",
            r"File \&quot;/srv",
        ] {
            assert!(spellings.iter().any(|spelling| spelling == wanted), "{wanted}");
        }
    }
}
