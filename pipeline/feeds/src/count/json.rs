//! The elements of one array of a JSON text, by depth. In: bytes and the keys that lead to the array. Out: how many
//! elements it has. Never: a value, a tree.

/// A container that is open.
struct Open {
    array: bool,
    /// Whether it lies on the path so far, so that its members may too.
    on_path: bool,
    /// Whether the path ends in it.
    wanted: bool,
}

/// Counts the elements of the array at `path`.
pub(super) fn count(bytes: &[u8], path: &[String]) -> Result<u64, String> {
    let mut open: Vec<Open> = Vec::new();
    let mut key: Option<String> = None;
    let mut counted = None;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => at += 1,
            b'}' | b']' => {
                open.pop().ok_or_else(|| format!("byte {at} closes what was never opened"))?;
                key = None;
                at += 1;
            }
            b'"' if open.last().is_some_and(|container| !container.array) && key.is_none() => {
                let end = string_end(bytes, at)?;
                key = Some(serde_json::from_slice(&bytes[at..end]).map_err(|error| format!("byte {at} opens no key: {error}"))?);
                at = end;
            }
            _ => {
                let parent = open.last();
                if parent.is_some_and(|container| container.wanted) {
                    counted = counted.map(|count: u64| count + 1);
                }
                let on_path = match (parent, &key) {
                    (None, _) => true,
                    (Some(container), Some(key)) => container.on_path && !container.array && path.get(open.len() - 1) == Some(key),
                    (Some(_), None) => false,
                };
                key = None;
                match byte {
                    b'{' | b'[' => {
                        let wanted = byte == b'[' && on_path && open.len() == path.len();
                        if wanted {
                            counted = Some(0);
                        }
                        open.push(Open { array: byte == b'[', on_path, wanted });
                        at += 1;
                    }
                    b'"' => at = string_end(bytes, at)?,
                    _ => at += bytes[at..].iter().take_while(|byte| !b" \t\r\n,:}]".contains(byte)).count(),
                }
            }
        }
    }
    if !open.is_empty() {
        return Err(format!("it ends with {} brackets open: it may be cut off", open.len()));
    }
    counted.ok_or_else(|| format!("`{}` leads to no array", path.join(".")))
}

/// The place after the string that opens at `open`.
fn string_end(bytes: &[u8], open: usize) -> Result<usize, String> {
    let mut at = open + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return Ok(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    Err(format!("the text that opens at byte {open} is never closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_array_at_the_path_is_counted() {
        for (text, path, expect) in [
            ("[1, {\"a\": [1, 2]}, \"x,y\", null]", "", Some(4)),
            ("[]", "", Some(0)),
            ("{\"n\": 3, \"data\": {\"list\": [{\"list\": [9]}, {}]}, \"list\": [1]}", "data.list", Some(2)),
            ("{\"a\\\"b]\": \"[\", \"records\": [[], [1, 2]]}", "records", Some(2)),
            ("{\"records\": {\"records\": [1]}}", "records", None),
            ("{\"records\": [1, 2", "records", None),
        ] {
            let path: Vec<String> = path.split('.').filter(|key| !key.is_empty()).map(String::from).collect();
            assert_eq!(count(text.as_bytes(), &path).ok(), expect, "{text}");
        }
    }
}
