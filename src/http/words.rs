//! What serde says of a request, in the words of the contract: a list and an object, not a sequence and a struct.
//!
//! Invariant: no name of a type of ours gets out, and of what was sent only the beginning of a name.
//! It must not know: which request was read.

/// The code of what is wrong with a value, and a sentence that says what to send instead. `part` is what the request's
/// names are called: its fields or its parameters.
pub(super) fn translate(text: &str, part: &str) -> (&'static str, String) {
    let (said, expected) = text.rsplit_once(", expected ").unwrap_or((text, ""));
    if let Some(name) = said.strip_prefix("unknown field ") {
        return ("unknown_field", format!("there is no {part} {} here; send {expected}", short(name)));
    }
    if let Some(name) = said.strip_prefix("unknown variant ") {
        return ("unknown_value", format!("{} is not known here; send {expected}", short(name)));
    }
    if let Some(name) = text.strip_prefix("missing field ") {
        return ("missing_field", format!("the {part} {} is missing", short(name)));
    }
    if let Some(name) = text.strip_prefix("duplicate field ") {
        return ("duplicate_key", format!("the {part} {} stands twice", short(name)));
    }
    let detail = match said.strip_prefix("invalid type: ").or(said.strip_prefix("invalid value: ")) {
        Some(found) => format!("send {}, not {}", wanted(expected), sent(found)),
        None if text.starts_with("UUID") => format!("send {UUID}"),
        None if NUMBER_ERRORS.contains(&text) => format!("send {}", wanted("u64")),
        None => format!("send {}", wanted("a string")),
    };
    ("wrong_type", detail)
}

const UUID: &str = "a UUID, such as 018f6a52-7b1e-7c3a-9d41-6f0e2b8a1c77";

/// What the standard library says of digits that are no number.
const NUMBER_ERRORS: [&str; 4] = [
    "invalid digit found in string",
    "cannot parse integer from empty string",
    "number too large to fit in target type",
    "number too small to fit in target type",
];

fn wanted(expected: &str) -> String {
    match expected {
        "a sequence" => "a list".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "u8" => format!("a whole number from 0 to {}", u8::MAX),
        "u16" => format!("a whole number from 0 to {}", u16::MAX),
        "u32" => format!("a whole number from 0 to {}", u32::MAX),
        "u64" | "usize" => "a whole number from 0".to_owned(),
        "a formatted UUID string" => UUID.to_owned(),
        "a map" | "an object" => "an object".to_owned(),
        expected if expected.starts_with("struct ") => "an object".to_owned(),
        _ => "a text".to_owned(),
    }
}

fn sent(found: &str) -> &str {
    match found {
        "sequence" => "a list",
        "map" => "an object",
        "null" => "null",
        text if text.starts_with("string ") => "a text",
        // Numbers and booleans stand between backticks.
        other => other.split('`').nth(1).unwrap_or("this"),
    }
}

/// A quoted name, cut where it is long: it is the caller's own, and may be anything.
fn short(quoted: &str) -> String {
    const SHOWN_MAX: usize = 40;
    let name = quoted.strip_prefix('`').and_then(|name| name.strip_suffix('`')).unwrap_or(quoted);
    if name.chars().count() <= SHOWN_MAX {
        return format!("`{name}`");
    }
    format!("`{}..`", name.chars().take(SHOWN_MAX).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_contract() {
        for (said, code, detail) in [
            (
                "unknown field `a`, expected one of `b`, `c`, `d`",
                "unknown_field",
                "there is no field `a` here; send one of `b`, `c`, `d`",
            ),
            (
                "unknown field `, expected `, expected `b` or `c`",
                "unknown_field",
                "there is no field `, expected ` here; send `b` or `c`",
            ),
            ("unknown variant `a`, expected `b` or `c`", "unknown_value", "`a` is not known here; send `b` or `c`"),
            ("missing field `title`", "missing_field", "the field `title` is missing"),
            ("duplicate field `title`", "duplicate_key", "the field `title` stands twice"),
            ("invalid type: sequence, expected struct VoteBody", "wrong_type", "send an object, not a list"),
            ("invalid type: map, expected a sequence", "wrong_type", "send a list, not an object"),
            (
                "invalid type: string \"1, expected x\", expected u64",
                "wrong_type",
                "send a whole number from 0, not a text",
            ),
            (
                "invalid type: floating point `1.5`, expected u16",
                "wrong_type",
                "send a whole number from 0 to 65535, not 1.5",
            ),
            ("invalid value: integer `-1`, expected u64", "wrong_type", "send a whole number from 0, not -1"),
            ("invalid type: null, expected a string", "wrong_type", "send a text, not null"),
            (
                "invalid type: boolean `true`, expected a formatted UUID string",
                "wrong_type",
                &format!("send {UUID}, not true"),
            ),
            ("UUID parsing failed: invalid character: found `x` at 0", "wrong_type", &format!("send {UUID}")),
            ("invalid digit found in string", "wrong_type", "send a whole number from 0"),
            ("expected value", "wrong_type", "send a text"),
        ] {
            assert_eq!(translate(said, "field"), (code, detail.to_owned()), "{said}");
        }
        let long = format!("unknown field `{}`, expected `a`", "x".repeat(1000));
        assert!(translate(&long, "parameter").1.len() < 120);
    }
}
