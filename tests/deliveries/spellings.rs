//! Text that stands as something else: armour, numbers, forms, and words that something parts.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use crate::{
    case::{Case, Delivery},
    codings::{gzip, zlib, zstd},
    escapes::{each, html, percent, quoted, wide, words},
};

pub(crate) const SPELLINGS: &[Delivery] = &[
    Delivery::new("in base64 of URLs in JSON", |case| {
        case.sized("application/json", "", format!("{{\"log\":\"{}\"}}", URL_SAFE_NO_PAD.encode(case.bytes())))
    }),
    Delivery::new("in base64 in indented lines", |case| case.sized("text/plain", "", lines(case, 64, "\n    "))),
    Delivery::new("in base64 in lines of JSON", |case| {
        case.sized("application/json", "", format!("{{\"log\":\"{}\"}}", lines(case, 76, "\\r\\n")))
    }),
    Delivery::new("in base64 in an array", |case| {
        case.sized("application/json", "", format!("[\"{}\"]", lines(case, 60, "\", \"")))
    }),
    Delivery::new("in base64 with its signs escaped", |case| {
        let armoured = STANDARD.encode(case.bytes());
        case.sized("text/plain", "", format!("a=1&log={}", percent(armoured.as_bytes(), false)))
    }),
    Delivery::new("in base64 of base64", |case| {
        case.sized("text/plain", "", STANDARD.encode(STANDARD.encode(case.bytes())))
    }),
    Delivery::new("in base64 of gzip", |case| case.sized("text/plain", "", STANDARD.encode(gzip(case.bytes())))),
    Delivery::new("in base64 of zlib", |case| case.sized("text/plain", "", STANDARD.encode(zlib(case.bytes())))),
    Delivery::new("in base64 of zstd", |case| case.sized("text/plain", "", STANDARD.encode(zstd(case.bytes())))),
    Delivery::new("in base64 of UTF-16", |case| case.sized("text/plain", "", STANDARD.encode(wide(case, 2, false)))),
    Delivery::new("in base64 in UTF-16", |case| {
        let units = STANDARD.encode(case.bytes()).bytes().flat_map(|byte| [byte, 0]).collect::<Vec<_>>();
        case.sized("text/plain; charset=utf-16le", "", units)
    }),
    Delivery::new("in entities in UTF-16", |case| {
        let entities = each(case, |c| format!("&#{};", u32::from(c)));
        let units = entities.bytes().flat_map(|byte| [0, byte]).collect::<Vec<_>>();
        case.sized("text/html; charset=utf-16be", "", units)
    }),
    Delivery::new("in one line of base64", |case| {
        case.sized("application/json", "", format!("{{\"e\":\"{}\"}}", STANDARD.encode(case.content.line)))
    }),
    Delivery::new("in hexadecimal", |case| case.sized("text/plain", "", format!("\\x{}", numbers(case, "", hex)))),
    Delivery::new("in hexadecimal with colons", |case| case.sized("text/plain", "", numbers(case, ":", hex))),
    Delivery::new("in bytes of JSON", |case| {
        let bytes = numbers(case, ",", |byte| byte.to_string());
        case.sized("application/json", "", format!("{{\"type\":\"Buffer\",\"data\":[{bytes}]}}"))
    }),
    Delivery::new("in bytes of Node", |case| {
        case.sized("text/plain", "", format!("<Buffer {}>", numbers(case, " ", hex)))
    }),
    Delivery::new("in bytes of C", |case| {
        case.sized("text/plain", "", format!("{{ {} }}", numbers(case, ", ", |byte| format!("0x{byte:02x}"))))
    }),
    Delivery::new("in a dump of bytes", |case| case.sized("text/plain", "", dump(case.bytes()))),
    Delivery::new("in quoted-printable", |case| case.sized("text/plain", "", quoted(case.bytes()))),
    Delivery::new("in a form", |case| {
        let body = format!("status=error&trace={}", percent(case.bytes(), false).replace("%20", "+"));
        case.sized("application/x-www-form-urlencoded", "", body)
    }),
    Delivery::new("in a form in JSON", |case| {
        let form = percent(case.bytes(), false).replace("%20", "+");
        case.sized("application/json", "", format!("{{\"next\":\"/failed?why={form}\"}}"))
    }),
    Delivery::new("percent-encoded as scripts do", |case| {
        case.sized("text/plain", "", each(case, |c| format!("%u{:04x}", u32::from(c))))
    }),
    Delivery::new("in colours without their escape", |case| {
        case.sized("text/plain", "", words(case, |word| format!("[1;31m{word}[0m")))
    }),
    Delivery::new("in colours with a caret", |case| {
        case.sized("text/plain", "", words(case, |word| format!("^[[31m{word}^[[0m")))
    }),
    Delivery::new("in entities of entities", |case| {
        case.sized("text/html", "", each(case, |c| format!("&amp;amp;#{};", u32::from(c))))
    }),
    Delivery::new("in entities with zeros", |case| {
        case.sized("text/html", "", each(case, |c| format!("&#{:012};", u32::from(c))))
    }),
    Delivery::new("with names of no width", |case| case.sized("text/html", "", parted(case, "&ZeroWidthSpace;"))),
    Delivery::new("with variation selectors", |case| {
        case.sized("text/plain; charset=utf-8", "", parted(case, "\u{e0100}"))
    }),
    Delivery::new("with soft hyphens of latin-1", |case| {
        let text = parted(case, "\0").into_bytes();
        let text: Vec<u8> = text.into_iter().map(|byte| if byte == 0 { 0xad } else { byte }).collect();
        case.sized("text/html; charset=iso-8859-1", "", text)
    }),
    Delivery::new("with comments in words", |case| case.sized("text/html", "", parted(case, "<!-- x -->"))),
    Delivery::new("with a highlight in each word", |case| case.sized("text/html", "", parted(case, "<b></b>"))),
    Delivery::new("in sections in words", |case| {
        let text = parted(case, "]]><![CDATA[").replace("<!doctype html>", "");
        case.sized("application/xml", "", format!("<e><![CDATA[{text}]]></e>"))
    }),
    Delivery::new("in strings that a script joins", |case| {
        let strings = words(case, |word| format!("{} + ", serde_json::Value::from(word)));
        case.sized("application/javascript", "", format!("const e = {strings}\"\""))
    }),
    Delivery::new("in a highlighter's spans in XML", |case| {
        let spans = words(case, |word| format!("<tspan>{}</tspan>", html(word)));
        case.sized("image/svg+xml", "", format!("<svg xmlns='http://www.w3.org/2000/svg'><text>{spans}</text></svg>"))
    }),
];

fn lines(case: &Case<'_>, width: usize, between: &str) -> String {
    let armoured = STANDARD.encode(case.bytes());
    let lines: Vec<_> = armoured.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
    lines.join(between)
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}")
}

fn numbers(case: &Case<'_>, between: &str, each: impl Fn(u8) -> String) -> String {
    case.bytes().iter().map(|&byte| each(byte)).collect::<Vec<_>>().join(between)
}

/// As `hexdump -C` prints it.
fn dump(bytes: &[u8]) -> String {
    let row = |(at, row): (usize, &[u8])| {
        let pairs: String = row.iter().map(|&byte| hex(byte) + " ").collect();
        let shown: String = row.iter().map(|&byte| if byte < b' ' { '.' } else { char::from(byte) }).collect();
        format!("{:08x}  {pairs:<48}  |{shown}|\n", 16 * at)
    };
    bytes.chunks(16).enumerate().map(row).collect()
}

/// With something in the middle of each longer word, and the signs of mark-up as they are.
fn parted(case: &Case<'_>, by: &str) -> String {
    words(case, |word| match word.len() {
        ..4 => word.to_owned(),
        length if word.as_bytes()[0].is_ascii_alphanumeric() => {
            let (before, behind) = word.split_at(length / 2);
            format!("{before}{by}{behind}")
        }
        _ => word.to_owned(),
    })
}
