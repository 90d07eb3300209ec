//! Which table is made after which. In: transforms. Out: the same, each after what it reads; names decide ties.
//! Never: a declared order.

use crate::error::TransformError;
use crate::transform::Transform;
use std::collections::BTreeMap;

/// Orders the transforms; a ring or a table made twice is refused.
pub fn in_order(transforms: Vec<Transform>) -> Result<Vec<Transform>, TransformError> {
    let mut waiting: BTreeMap<String, Transform> = BTreeMap::new();
    for transform in transforms {
        let name = transform.name.clone();
        if waiting.insert(name.clone(), transform).is_some() {
            return Err(TransformError::Twice(name));
        }
    }
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.values().find(|transform| !transform.reads.iter().any(|table| waiting.contains_key(table)));
        let Some(name) = ready.map(|transform| transform.name.clone()) else {
            return Err(TransformError::Ring(waiting.into_keys().collect::<Vec<_>>().join(", ")));
        };
        ordered.extend(waiting.remove(&name));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(name: &str, reads: &str) -> Transform {
        Transform::read(name, &format!("-- A row is one.\n-- key: a\nselect a from {reads}")).expect("well-formed")
    }

    #[test]
    fn each_table_comes_after_what_it_reads() {
        let ordered = in_order(vec![reading("a", "c"), reading("b", "sales"), reading("c", "b")]).expect("no ring");
        assert_eq!(ordered.iter().map(|transform| transform.name.as_str()).collect::<Vec<_>>(), ["b", "c", "a"]);
    }

    #[test]
    fn rings_and_doubles_are_refused() {
        assert_eq!(
            in_order(vec![reading("a", "b"), reading("b", "a")]).expect_err("a ring").to_string(),
            "transforms read each other in a ring: a, b"
        );
        assert_eq!(in_order(vec![reading("a", "b"), reading("a", "c")]).expect_err("twice").to_string(), "table `a` is made by two files");
    }
}
