//! The nearest known word to a misspelt one, for "did you mean".
//!
//! Owns the distance only; who offers which words is the caller's business.
#![warn(clippy::indexing_slicing)]

/// The candidate that most likely was meant, if one is near enough.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let wanted = plain(word);
    let bound = (wanted.chars().count() / 3).clamp(1, 4);
    candidates
        .clone()
        .into_iter()
        .map(|candidate| (distance(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
        .or_else(|| {
            candidates
                .into_iter()
                .find(|candidate| begins_alike(&wanted, &plain(candidate)))
        })
}

/// `hot_standby` for `hot`, `release` for `release-first`.
fn begins_alike(wanted: &str, candidate: &str) -> bool {
    let shorter = wanted.len().min(candidate.len());
    shorter >= 3 && (wanted.starts_with(candidate) || candidate.starts_with(wanted))
}

/// ", did you mean `x`?" or nothing.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    nearest(word, candidates).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// Case, `-`, `_` and blanks are what people get wrong most; they cost nothing. At most 80 characters.
fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .take(80)
        .flat_map(char::to_lowercase)
        .collect()
}

/// Edit distance in which two exchanged neighbours count as one slip.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last_x = None;
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let change = at(&row, j) + usize::from(x != *y);
            let mut best = change.min(at(&next, j) + 1).min(at(&row, j + 1) + 1);
            let exchanged = j > 0 && last_x == Some(*y) && b.get(j - 1) == Some(&x);
            if exchanged {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
        last_x = Some(x);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word_and_something_else_finds_none() {
        let words = ["release-first", "as-listed", "hot", "warm"];
        assert_eq!(nearest("release_frist", words), Some("release-first"));
        assert_eq!(nearest("HOT", words), Some("hot"));
        assert_eq!(nearest("wram", words), Some("warm"));
        assert_eq!(nearest("warm standby", words), Some("warm"));
        assert_eq!(nearest("lukewarm-standby", words), None);
    }
}
