//! JSON pointers (RFC 6901), as far as they are put together and taken apart. To follow one, `serde_json` has
//! `Value::pointer`; the crate `jsonptr` has all of it, which is more than two functions need.

/// The pointer to the member or element `name` of what `parent` points to.
pub fn below(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The names that a pointer goes through; none for the whole document. What stands before the first slash is left out.
pub fn names(pointer: &str) -> impl Iterator<Item = String> {
    // In this order: `~01` is `~1`.
    pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slashes_and_tildes_are_escaped() {
        assert_eq!(below("/a", "ory.sh/kratos~"), "/a/ory.sh~1kratos~0");
        assert_eq!(names("/a/b~1c/~01//").collect::<Vec<_>>(), ["a", "b/c", "~1", "", ""]);
        assert_eq!(names("").count(), 0);
    }

    proptest! {
        #[test]
        fn names_come_back_as_they_were_put_together(path in prop::collection::vec(".{0,8}", 0..5)) {
            let pointer = path.iter().fold(String::new(), |parent, name| below(&parent, name));
            prop_assert_eq!(names(&pointer).collect::<Vec<_>>(), path);
        }
    }
}
