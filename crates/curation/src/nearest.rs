/// The name of `known` that `name` was probably meant to be: the nearest by Jaro-Winkler similarity, if that is above 0.7.
/// Of two that are equally near, the last.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let similar = known.into_iter().map(|known| (strsim::jaro_winkler(name, known), known));
    similar.filter(|(similarity, _)| *similarity > 0.7).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_none() {
        let names = ["detector", "dispersion", "disagreement"];
        assert_eq!(nearest("detektor", names), Some("detector"));
        assert_eq!(nearest("dispersal", names), Some("dispersion"));
        assert_eq!(nearest("zzz", names), None);
        assert_eq!(nearest("detector", []), None);
    }
}
