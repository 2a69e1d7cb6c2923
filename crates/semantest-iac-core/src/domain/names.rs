//! Physical names: deterministic, within each cloud's limit.

use sha2::{Digest, Sha256};

/// How many hex digits of the digest a shortened name ends with.
const DIGEST_DIGITS: usize = 8;

/// Joins `parts` with `-`, in the letters every cloud takes (lower case, digits, `-`), and at most `limit`
/// characters long. A name that had to be changed for that ends with a digest of the parts, so that two different
/// lists of parts never give the same name by being cut or cleaned.
pub fn physical_name(parts: &[&str], limit: usize) -> String {
    let plain = parts.join("-");
    let clean: String = plain.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect();
    if clean == plain && plain.len() <= limit {
        return plain;
    }
    let digest = hex::encode(Sha256::digest(parts.join("\0").as_bytes()));
    let room = limit.saturating_sub(DIGEST_DIGITS + 1);
    let head: String = clean.chars().take(room).collect();
    format!("{}-{}", head.trim_end_matches('-'), &digest[..DIGEST_DIGITS])
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-'
}

#[cfg(test)]
mod tests {
    use super::physical_name;

    #[test]
    fn a_name_within_the_limit_is_left_as_it_is() {
        assert_eq!(physical_name(&["shop", "dev", "rest-api"], 64), "shop-dev-rest-api");
    }

    #[test]
    fn a_name_over_the_limit_is_cut_and_stays_unique() {
        let (one, other) = (["a".repeat(80), "x".into()], ["a".repeat(80), "y".into()]);
        let name = |parts: &[String; 2]| physical_name(&[&parts[0], &parts[1]], 64);
        assert_eq!(name(&one).len(), 64);
        assert_ne!(name(&one), name(&other));
        assert_eq!(name(&one), name(&one));
    }

    #[test]
    fn cleaning_never_makes_two_names_one() {
        assert_ne!(physical_name(&["Shop"], 64), physical_name(&["shop"], 64));
        assert_ne!(physical_name(&["a_b"], 64), physical_name(&["a-b"], 64));
    }
}
