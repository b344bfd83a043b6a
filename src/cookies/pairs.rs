//! The `Cookie` field of a request (RFC 6265bis section 4.2), read leniently and rewritten in place.

use std::borrow::Cow;

use super::{split_pair, trim};

/// One pair of a `Cookie` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    raw: &'a [u8],
    /// The name; empty where there is no `=`.
    pub name: &'a [u8],
    /// The value, quotes included.
    pub value: &'a [u8],
}

/// What becomes of a pair.
#[derive(Clone, Debug)]
pub enum Edit<'a> {
    /// It stays, byte for byte.
    Keep,
    /// It goes.
    Drop,
    /// It says this instead.
    Replace {
        /// The new name.
        name: Cow<'a, [u8]>,
        /// The new value.
        value: Cow<'a, [u8]>,
    },
}

/// The pairs of a `Cookie` field in order, empty ones left out.
pub fn pairs(field: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    field.split(|&byte| byte == b';').filter(|raw| !trim(raw).is_empty()).map(|raw| {
        let (name, value) = split_pair(raw);
        Pair { raw, name, value }
    })
}

/// Rewrites a `Cookie` field pair by pair; `None` when every pair was kept. The result may be empty.
pub fn rewrite<'a>(field: &'a [u8], mut edit: impl FnMut(Pair<'a>) -> Edit<'a>) -> Option<Vec<u8>> {
    let edits: Vec<_> = pairs(field).map(|pair| (pair, edit(pair))).collect();
    if edits.iter().all(|(_, edit)| matches!(edit, Edit::Keep)) {
        return None;
    }
    let mut out = Vec::with_capacity(field.len());
    for (pair, edit) in &edits {
        print(pair, edit, &mut out);
    }
    Some(out)
}

fn print(pair: &Pair<'_>, edit: &Edit<'_>, out: &mut Vec<u8>) {
    if matches!(edit, Edit::Drop) {
        return;
    }
    if !out.is_empty() {
        out.extend_from_slice(b"; ");
    }
    match edit {
        Edit::Replace { name, value } => {
            out.extend_from_slice(name);
            out.push(b'=');
            out.extend_from_slice(value);
        }
        Edit::Keep | Edit::Drop => out.extend_from_slice(trim(pair.raw)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keep_all_but<'a>(name: &'static [u8]) -> impl FnMut(Pair<'a>) -> Edit<'a> {
        move |pair| if pair.name == name { Edit::Drop } else { Edit::Keep }
    }

    #[test]
    fn pairs_are_read_as_browsers_and_servers_write_them() {
        let read: Vec<_> = pairs(b"a=1; b=\"x y\" ;c ;; d==;\t e = f").map(|pair| (pair.name, pair.value)).collect();
        let wanted: [(&[u8], &[u8]); 5] = [(b"a", b"1"), (b"b", b"\"x y\""), (b"", b"c"), (b"d", b"="), (b"e", b"f")];
        assert_eq!(read, wanted);
    }

    #[test]
    fn dropping_and_renaming_touch_the_pair_alone() {
        assert_eq!(rewrite(b"a=1; b=2; c=\xff", keep_all_but(b"a")).unwrap(), b"b=2; c=\xff");
        assert_eq!(rewrite(b"a=1", keep_all_but(b"a")).unwrap(), b"");
        let renamed = rewrite(b"a=1; b=2", |pair| match pair.name {
            b"b" => Edit::Replace { name: b"bee".into(), value: pair.value.into() },
            _ => Edit::Keep,
        });
        assert_eq!(renamed.unwrap(), b"a=1; bee=2");
    }

    proptest! {
        #[test]
        fn any_field_that_nothing_changes_is_left_alone(field in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(rewrite(&field, |_| Edit::Keep), None);
        }

        #[test]
        fn any_other_pair_survives_a_drop(field in "[ab=; \"]{0,40}") {
            let kept = |bytes: &[u8]| -> Vec<(Vec<u8>, Vec<u8>)> {
                pairs(bytes).filter(|p| p.name != b"a").map(|p| (p.name.to_vec(), p.value.to_vec())).collect()
            };
            let after = rewrite(field.as_bytes(), keep_all_but(b"a")).unwrap_or(field.clone().into_bytes());
            prop_assert!(pairs(&after).all(|pair| pair.name != b"a"));
            prop_assert_eq!(kept(&after), kept(field.as_bytes()));
        }
    }
}
