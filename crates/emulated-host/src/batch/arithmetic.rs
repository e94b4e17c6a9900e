//! Owns `set /a`: whole numbers, variables by name, the four operations, `%` and parentheses.

/// The value of an expression; `value_of` knows the variables. `None`: it is none.
pub(super) fn evaluate(text: &str, value_of: &dyn Fn(&str) -> i64) -> Option<i64> {
    let letters: Vec<char> = text.chars().filter(|one| !one.is_whitespace()).collect();
    let mut sum = Sum {
        letters: &letters,
        position: 0,
        value_of,
    };
    let value = sum.terms(0)?;
    (sum.position == letters.len()).then_some(value)
}

struct Sum<'a> {
    letters: &'a [char],
    position: usize,
    value_of: &'a dyn Fn(&str) -> i64,
}

/// Parentheses within parentheses.
const DEEPEST: u32 = 32;

impl Sum<'_> {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.position).copied()
    }

    fn terms(&mut self, depth: u32) -> Option<i64> {
        let mut value = self.factors(depth)?;
        while let Some(sign @ ('+' | '-')) = self.peek() {
            self.position += 1;
            let other = self.factors(depth)?;
            value = if sign == '+' {
                value.checked_add(other)?
            } else {
                value.checked_sub(other)?
            };
        }
        Some(value)
    }

    fn factors(&mut self, depth: u32) -> Option<i64> {
        let mut value = self.single(depth)?;
        while let Some(sign @ ('*' | '/' | '%')) = self.peek() {
            self.position += 1;
            let other = self.single(depth)?;
            value = match sign {
                '*' => value.checked_mul(other)?,
                '/' => value.checked_div(other)?,
                _ => value.checked_rem(other)?,
            };
        }
        Some(value)
    }

    fn single(&mut self, depth: u32) -> Option<i64> {
        if depth > DEEPEST {
            return None;
        }
        match self.peek()? {
            '(' => {
                self.position += 1;
                let value = self.terms(depth + 1)?;
                (self.peek() == Some(')')).then(|| self.position += 1)?;
                Some(value)
            }
            '-' => {
                self.position += 1;
                self.single(depth + 1)?.checked_neg()
            }
            '+' => {
                self.position += 1;
                self.single(depth + 1)
            }
            _ => {
                let from = self.position;
                while self
                    .peek()
                    .is_some_and(|one| one.is_alphanumeric() || one == '_')
                {
                    self.position += 1;
                }
                let word: String = self.letters.get(from..self.position)?.iter().collect();
                let first = word.chars().next()?;
                if first.is_ascii_digit() {
                    word.parse().ok()
                } else {
                    Some((self.value_of)(&word))
                }
            }
        }
    }
}
