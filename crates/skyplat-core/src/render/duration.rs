//! Durations as people say them.

/// Says a duration: `0.4 s`, `42 s`, `1 min 53 s`, `2 h 5 min`.
pub fn spoken(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 0.05 {
        return "0 s".to_owned();
    }
    if seconds < 9.95 {
        let tenths = format!("{seconds:.1}");
        return format!("{} s", tenths.strip_suffix(".0").unwrap_or(&tenths));
    }
    let whole = seconds.round();
    let (hours, minutes, rest) = ((whole / 3600.0).floor(), (whole / 60.0).floor() % 60.0, whole % 60.0);
    match (hours > 0.0, minutes > 0.0, rest > 0.0) {
        (true, true, _) => format!("{hours} h {minutes} min"),
        (true, false, _) => format!("{hours} h"),
        (false, true, true) => format!("{minutes} min {rest} s"),
        (false, true, false) => format!("{minutes} min"),
        (false, false, _) => format!("{rest} s"),
    }
}

/// Says a duration as a forecast deserves it: whole minutes from two minutes on.
pub fn about(seconds: f64) -> String {
    if seconds < 120.0 { spoken(seconds) } else { spoken((seconds / 60.0).round() * 60.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (seconds, said) in [
            (0.0, "0 s"),
            (0.4, "0.4 s"),
            (2.0, "2 s"),
            (9.96, "10 s"),
            (59.7, "1 min"),
            (113.0, "1 min 53 s"),
            (3600.0, "1 h"),
            (7500.0, "2 h 5 min"),
        ] {
            assert_eq!(spoken(seconds), said, "{seconds}");
        }
    }

    #[test]
    fn a_forecast_has_no_seconds() {
        assert_eq!(about(1433.0), "24 min");
        assert_eq!(about(95.0), "1 min 35 s");
    }
}
