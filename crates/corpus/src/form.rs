//! From an archive's member to a text: the cleaning that cards name.

use crate::card::Form;

/// The text of a member.
pub(crate) fn text_of(member: &str, form: Form) -> String {
    match form {
        Form::Plain => member.trim().to_owned(),
        Form::Tagged => untagged(member),
        Form::Markdown => unmarked(member),
    }
}

/// Words of `word/tag word/tag`. A sentence is a line, a paragraph what blank lines part; sentences of a paragraph are
/// joined by a space.
fn untagged(member: &str) -> String {
    let mut paragraphs: Vec<Vec<String>> = vec![Vec::new()];
    for line in member.lines() {
        let words = line.split_whitespace().map(|tagged| tagged.rsplit_once('/').map_or(tagged, |(word, _)| word));
        let sentence = joined(words);
        match paragraphs.last_mut() {
            Some(paragraph) if !sentence.is_empty() => paragraph.push(sentence),
            Some(paragraph) if !paragraph.is_empty() => paragraphs.push(Vec::new()),
            _ => {}
        }
    }
    let texts: Vec<String> = paragraphs.iter().map(|sentences| sentences.join(" ")).collect();
    texts.join("\n\n").trim_end().to_owned()
}

/// A sentence of words and signs, with the spaces that print would have.
fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut sentence = String::new();
    let mut open = true;
    let mut last = "";
    for word in words {
        // The tagged files double these signs.
        if matches!(word, ";" | "?" | "!" | ":") && word == last {
            continue;
        }
        last = word;
        let closes = matches!(word, "," | "." | ";" | ":" | "?" | "!" | "''" | ")" | "}" | "%");
        if !open && !closes {
            sentence.push(' ');
        }
        sentence.push_str(match word {
            "``" | "''" => "\"",
            word => word,
        });
        open = matches!(word, "``" | "(" | "{" | "$");
    }
    sentence
}

/// Markdown without its marks: headings, emphasis and the two spaces that break a line. Lines stay as they are.
fn unmarked(member: &str) -> String {
    let lines: Vec<String> = (member.lines())
        .map(|line| {
            let line = line.trim_end();
            let heading = line.trim_start_matches('#');
            let line = if heading.len() < line.len() { heading.trim_start() } else { line };
            line.replace("**", "").replace(['_', '\\'], "")
        })
        .collect();
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_signs_join() {
        let tagged = "\n\n\t``/`` I'm/ppss+bem sorry/jj ''/'' ,/, he/pps said/vbd (/( 1//cd 2/cd )/) ;/. ;/.\nGo/vb ?/. ?/.\n\n\n\tNext/ap ./.\n";
        assert_eq!(text_of(tagged, Form::Tagged), "\"I'm sorry\", he said (1/ 2); Go?\n\nNext.");
    }

    #[test]
    fn marks_go() {
        let marked = "# Twelfth Night\n\n### SCENE I.\n\n_Enter VIOLA_\n\n**VIOLA**  \nWhat #1 country,  \nfriends?\n";
        let text = "Twelfth Night\n\nSCENE I.\n\nEnter VIOLA\n\nVIOLA\nWhat #1 country,\nfriends?";
        assert_eq!(text_of(marked, Form::Markdown), text);
    }
}
