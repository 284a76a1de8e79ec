//! What is open in a token, for all handles of this process: the token itself counts none.
//!
//! Each application and each container is known by what it is, not by its name alone: one that is made again under the
//! name of one that was deleted is another, and handles of the old one do not reach it.

use std::collections::BTreeMap;

/// An application or a container, as long as it is not deleted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Id(u64);

/// What applications are in.
pub(crate) const DEVICE: Id = Id(0);

/// Handles of each object. Those of an application are in the device, containers in their application.
#[derive(Default)]
pub(crate) struct Open {
    last: u64,
    ids: BTreeMap<(Id, String), Id>,
    handles: BTreeMap<Id, usize>,
}

impl Open {
    /// One more handle.
    pub(crate) fn add(&mut self, parent: Id, name: &str) -> Id {
        let id = *self.ids.entry((parent, name.to_owned())).or_insert_with(|| {
            self.last += 1;
            Id(self.last)
        });
        *self.handles.entry(id).or_default() += 1;
        id
    }

    /// One handle less. Whether it was the last, so that the token is to close the object, and what is in it.
    pub(crate) fn remove(&mut self, id: Id) -> bool {
        match self.handles.get_mut(&id) {
            None | Some(0) => false,
            Some(count) => {
                *count -= 1;
                let is_last = *count == 0;
                if is_last {
                    self.children(id).iter().for_each(|child| _ = self.handles.insert(*child, 0));
                }
                is_last
            }
        }
    }

    /// The object was deleted, with all that was in it.
    pub(crate) fn delete(&mut self, parent: Id, name: &str) {
        let Some(id) = self.ids.remove(&(parent, name.to_owned())) else { return };
        for gone in self.children(id).into_iter().chain([id]) {
            self.handles.remove(&gone);
        }
        self.ids.retain(|(parent, _), _| *parent != id);
    }

    /// Whether it was not deleted.
    pub(crate) fn exists(&self, id: Id) -> bool {
        self.handles.contains_key(&id)
    }

    fn children(&self, parent: Id) -> Vec<Id> {
        self.ids.iter().filter(|((own, _), _)| *own == parent).map(|(_, id)| *id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_handle_closes() {
        let mut open = Open::default();
        let one = open.add(DEVICE, "A");
        assert_eq!(open.add(DEVICE, "A"), one);
        let container = open.add(one, "C");
        assert_ne!(open.add(DEVICE, "C"), container, "another of that name, elsewhere");
        assert_eq!((open.remove(one), open.remove(one), open.remove(one)), (false, true, false));
        assert!(!open.remove(container), "its application closed it");
        assert!(open.exists(one) && open.exists(container), "closed is not deleted");
        assert_eq!(open.add(DEVICE, "A"), one);
    }

    #[test]
    fn what_is_made_again_is_another() {
        let mut open = Open::default();
        let old = open.add(DEVICE, "A");
        let container = open.add(old, "C");
        open.delete(DEVICE, "A");
        assert!(!open.exists(old) && !open.exists(container));
        let new = open.add(DEVICE, "A");
        assert_ne!(new, old);
        assert!(!open.remove(old) && open.exists(new) && open.remove(new));
        let first = open.add(new, "C");
        open.delete(new, "C");
        assert_ne!(open.add(new, "C"), first);
        assert!(!open.remove(first));
    }
}
