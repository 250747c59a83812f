//! Who says that a certificate is right, in words.
//!
//! Invariant: nothing here decides whether a certificate is trusted; what cannot be read is nobody's.

/// The issuer that a certificate (X.509, DER) names: its common name, or the organisation's.
pub(super) fn issuer(certificate: &[u8]) -> Option<String> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut fields, _) = element(certificate)?;
    // A version where there is one, the serial number, the algorithm; then the issuer.
    let (first, _, rest) = element(fields)?;
    if first == VERSION {
        fields = rest;
    }
    let (_, _, rest) = element(fields)?;
    let (_, _, rest) = element(rest)?;
    let (_, names, _) = element(rest)?;
    part(names, COMMON_NAME).or_else(|| part(names, ORGANISATION))
}

const VERSION: u8 = 0xa0;
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANISATION: &[u8] = &[0x55, 4, 10];
const CHARS_MAX: usize = 100;

/// The text of one kind in a name; whoever made the certificate wrote it, so a terminal gets nothing but letters of it.
fn part(mut names: &[u8], kind: &[u8]) -> Option<String> {
    while let Some((_, set, rest)) = element(names) {
        let (_, pair, _) = element(set)?;
        let (_, found, text) = element(pair)?;
        if found == kind {
            let (_, text, _) = element(text)?;
            let text = String::from_utf8_lossy(text);
            return Some(text.chars().filter(|letter| !letter.is_control()).take(CHARS_MAX).collect());
        }
        names = rest;
    }
    None
}

/// The first element: its tag, its content, and what comes after it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&short, rest) = rest.split_first()?;
    let (length, rest) = if short < 0x80 {
        (usize::from(short), rest)
    } else {
        let (long, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
        // More than three bytes of length is more than any certificate has.
        (long.iter().filter(|_| long.len() <= 3).fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, Issuer, KeyPair};

    use super::*;

    fn signed(kinds: &[(DnType, &str)]) -> Vec<u8> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, text) in kinds {
            authority.distinguished_name.push(kind.clone(), *text);
        }
        let issuer = Issuer::new(authority, KeyPair::generate().unwrap());
        let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        server.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().der().to_vec()
    }

    #[test]
    fn an_issuer_is_called_by_its_name_or_its_organisation() {
        let both = [(DnType::OrganizationName, "Commission"), (DnType::CommonName, "Commission électorale")];
        assert_eq!(issuer(&signed(&both)).as_deref(), Some("Commission électorale"));
        assert_eq!(issuer(&signed(&both[..1])).as_deref(), Some("Commission"));
        assert_eq!(issuer(&signed(&[(DnType::CommonName, "a\u{1b}[2Jb")])).as_deref(), Some("a[2Jb"));
        assert_eq!(issuer(&signed(&[])), None);
    }

    #[test]
    fn what_is_cut_or_damaged_has_no_issuer_and_harms_nothing() {
        let whole = signed(&[(DnType::CommonName, "Commission")]);
        for end in 0..whole.len() {
            assert_eq!(issuer(&whole[..end]), None, "cut at {end}");
        }
        for at in 0..whole.len() {
            for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                let _ = issuer(&damaged);
            }
        }
    }
}
