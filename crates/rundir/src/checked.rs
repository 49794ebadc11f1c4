use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Content of a small JSON file, with its own checksum, so that a damaged file is not believed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checked<T> {
    /// [`digest`](crate::digest) of the file's place and the content: a file that was put into another place is not believed.
    sha256: String,
    content: T,
}

impl<T: Serialize + DeserializeOwned> Checked<T> {
    /// The text of a file at `place` that holds `content`, which must have no floats.
    pub(crate) fn text(content: &T, place: &str) -> String {
        let checked = Checked { sha256: sum_of(content, place), content };
        serde_json::to_string_pretty(&checked).expect("the content has text keys") + "\n"
    }

    /// The content of a file at `place`; else how the file is damaged. `what` is what it should be, as in `a seal`.
    pub(crate) fn read(bytes: &[u8], place: &str, what: &str) -> Result<T, String> {
        let Self { sha256, content } =
            serde_json::from_slice(bytes).map_err(|error| format!("is not {what} ({error})"))?;
        if sum_of(&content, place) == sha256 {
            Ok(content)
        } else {
            Err("has another checksum than it says".to_owned())
        }
    }
}

fn sum_of(content: &impl Serialize, place: &str) -> String {
    crate::digest(&(place, content)).expect("the content has no floats")
}
