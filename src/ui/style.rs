//! Colour: decided once, from plain inputs, and carried as a value.

use owo_colors::OwoColorize;

/// What the decision about colour depends on. The cli reads it from its flags and the environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct ColourInputs<'a> {
    /// `--no-color`.
    pub no_color_flag: bool,
    /// The variable `NO_COLOR`; empty counts as unset (no-color.org).
    pub no_color: Option<&'a str>,
    /// The variable `CLICOLOR_FORCE`; empty and `0` count as unset (bixense.com/clicolors).
    pub clicolor_force: Option<&'a str>,
    /// Whether what is written to is a terminal.
    pub is_terminal: bool,
}

/// Whether to colour. Copied to wherever something is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

/// What a piece of text means; the style knows how that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Error,
    Warning,
    Add,
    Change,
    Destroy,
    Heading,
    Faint,
}

impl Style {
    pub const PLAIN: Style = Style { colour: false };
    pub const COLOUR: Style = Style { colour: true };

    /// Being asked not to wins over being asked to, and both win over the terminal.
    pub fn decide(inputs: ColourInputs<'_>) -> Self {
        let is_set = |value: Option<&str>| value.is_some_and(|value| !value.is_empty());
        if inputs.no_color_flag || is_set(inputs.no_color) {
            return Style::PLAIN;
        }
        let forced = is_set(inputs.clicolor_force) && inputs.clicolor_force != Some("0");
        Style { colour: forced || inputs.is_terminal }
    }

    /// [`Style::paint`] with the tone fixed.
    pub fn paint_with(self, tone: Tone) -> impl Fn(&str) -> String {
        move |text| self.paint(tone, text)
    }

    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        match tone {
            Tone::Error => text.red().bold().to_string(),
            Tone::Warning | Tone::Change => text.yellow().to_string(),
            Tone::Add => text.green().to_string(),
            Tone::Destroy => text.red().to_string(),
            Tone::Heading => text.bold().to_string(),
            Tone::Faint => text.dimmed().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_off_wherever_somebody_asked_for_that() {
        let terminal = ColourInputs { is_terminal: true, ..ColourInputs::default() };
        let forced = ColourInputs { clicolor_force: Some("1"), ..ColourInputs::default() };
        let cases = [
            (terminal, true),
            (ColourInputs::default(), false),
            (forced, true),
            (ColourInputs { clicolor_force: Some("0"), ..ColourInputs::default() }, false),
            (ColourInputs { no_color: Some(""), ..terminal }, true),
            (ColourInputs { no_color: Some("1"), ..forced }, false),
            (ColourInputs { no_color_flag: true, ..forced }, false),
        ];
        for (inputs, expected) in cases {
            assert_eq!(Style::decide(inputs).colour, expected, "{inputs:?}");
        }
    }

    #[test]
    fn plain_text_holds_no_escape_and_coloured_text_ends_its_own() {
        assert_eq!(Style::PLAIN.paint(Tone::Error, "x"), "x");
        assert_eq!(Style::COLOUR.paint(Tone::Error, ""), "");
        let red = Style::COLOUR.paint(Tone::Error, "x");
        assert!(red.starts_with('\u{1b}') && red.ends_with('m') && red.contains('x'), "{red:?}");
    }
}
