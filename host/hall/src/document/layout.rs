//! Breaking text into lines.
//!
//! Guarantees: no line is wider than asked for, unless a single letter is; no text is lost but what an ellipsis stands
//! for.

/// The lines of a text, each at most `width` wide by `measure`; with more than `most` lines the rest is cut.
pub(super) fn lines(text: &str, width: f32, most: usize, measure: impl Fn(char) -> f32) -> Vec<String> {
    let mut lines = vec![String::new()];
    let (mut used, mut word) = (0.0, String::new());
    let wide = |text: &str| text.chars().map(&measure).sum::<f32>();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        word.push(letter);
        // Latin words and numbers stay whole; everything else may be broken anywhere.
        let inside = letter.is_ascii_graphic() && letters.peek().is_some_and(char::is_ascii_graphic);
        if inside && wide(&word) < width {
            continue;
        }
        let needed = wide(word.trim_end());
        if used + needed > width && used > 0.0 {
            lines.push(String::new());
            used = 0.0;
        }
        let line = lines.last_mut().expect("there is always a line");
        // A blank at the begin of a line is not shown.
        if !(line.is_empty() && word.trim().is_empty()) {
            used += wide(&word);
            line.push_str(&word);
        }
        word.clear();
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            while !last.is_empty() && wide(last) + measure('…') > width {
                last.pop();
            }
            last.push('…');
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(letter: char) -> f32 {
        if letter.is_ascii() { 0.5 } else { 1.0 }
    }

    fn broken(text: &str, width: f32, most: usize) -> Vec<String> {
        let lines = lines(text, width, most, measure);
        for line in &lines {
            assert!(line.trim_end().chars().map(measure).sum::<f32>() <= width, "{line}");
        }
        lines
    }

    #[test]
    fn text_wraps_and_words_stay_whole() {
        assert_eq!(broken("示例科技有限公司", 4.0, 9), ["示例科技", "有限公司"]);
        assert_eq!(broken("编号 AB-12345 号", 4.5, 9), ["编号 ", "AB-12345 ", "号"]);
        assert_eq!(broken("", 4.0, 9), [""]);
    }

    #[test]
    fn a_word_wider_than_the_line_is_broken() {
        assert_eq!(broken(&"x".repeat(10), 2.0, 9), ["xxxx", "xxxx", "xx"]);
    }

    #[test]
    fn what_is_too_long_ends_with_an_ellipsis() {
        assert_eq!(broken("示例科技有限公司", 4.0, 2), ["示例科技", "有限公司"]);
        assert_eq!(broken("示例科技有限公司及其分公司", 4.0, 2), ["示例科技", "有限公…"]);
    }
}
