//! Reads what a survey of a pool printed.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::model::command::Answer;
use crate::model::{Body, Bytes, ContainerView, Health, Mark, Observed, Place, Surveyed, VolumeBody};
use crate::providers::Scope;
use crate::providers::store::{self, FORMAT, Listing};

use super::mark::FileMark;
use super::strangers;

/// One `*.img`, wherever it lies.
#[derive(Debug, Clone)]
pub(super) struct Image<'a> {
    pub(super) place: Place,
    /// `inode:birth`; nothing for what is no regular file.
    pub(super) file: Option<&'a str>,
    /// How many names the file has.
    pub(super) links: u64,
    pub(super) size: Bytes,
    allocated: Bytes,
    /// Without directory and `.img`.
    pub(super) name: &'a str,
}

pub fn view(scope: &Scope<'_>, answers: &[Answer]) -> ContainerView {
    let read = match answers {
        [answer] => Listing::parse(answer).and_then(|listing| understand(scope, &listing)),
        _ => Err(format!("{} answers came to one question", answers.len())),
    };
    read.unwrap_or_else(|why| ContainerView::Unsurveyed { why })
}

fn understand(scope: &Scope<'_>, listing: &Listing<'_>) -> Result<ContainerView, String> {
    if let Some(unusable) = listing.unusable(scope) {
        return Ok(unusable);
    }
    let images = listing.records.iter().map(|record| image(*record)).collect::<Result<Vec<_>, _>>()?;
    let Some(identity) = listing.identity else {
        return Ok(ContainerView::Fresh {
            vms: BTreeMap::new(),
            missing: listing.missing.clone(),
            foreign: foreign(scope, &images, &BTreeSet::new()),
            capacity: listing.capacity(Bytes::ZERO, Bytes::ZERO),
            strangers: strangers::unmarked(listing, &images),
        });
    };
    let marks = Marks::new(listing)?;
    let found = Found::new(scope, &marks, &images);
    Ok(ContainerView::Present(Surveyed {
        vms: BTreeMap::new(),
        strangers: strangers::beside(scope, &marks, &found, &images),
        identity,
        makes: listing.makes.clone(),
        epoch: listing.epoch,
        foreign: foreign(scope, &images, &found.files),
        capacity: listing.capacity(found.allocated, found.promised),
        objects: found.objects,
    }))
}

fn image<'a>((tag, rest): (&'a str, &'a str)) -> Result<Image<'a>, String> {
    let unread = || format!("its survey holds the record {tag:?} {rest:?}");
    let place = match tag {
        "image" => Place::Live,
        "staged" => Place::Staged,
        "trash" => Place::Trash,
        _ => return Err(unread()),
    };
    let mut fields = rest.splitn(6, '\t');
    let mut next = || fields.next().ok_or_else(unread);
    let (file, links, size, blocks, kind, path) = (next()?, next()?, next()?, next()?, next()?, next()?);
    let number = |text: &str| text.parse::<u64>().map_err(|_| unread());
    let name = path.rsplit('/').next().and_then(|name| name.strip_suffix(".img")).ok_or_else(unread)?;
    Ok(Image {
        place,
        file: matches!(kind, "regular file" | "regular empty file").then_some(file),
        links: number(links)?,
        size: Bytes(number(size)?),
        // `stat` counts blocks of 512 bytes, whatever the file system's own are.
        allocated: Bytes(number(blocks)?.saturating_mul(512)),
        name,
    })
}

/// The wanted names that something without our mark has.
fn foreign(scope: &Scope<'_>, images: &[Image<'_>], ours: &BTreeSet<&str>) -> BTreeSet<String> {
    images
        .iter()
        .filter(|image| image.place == Place::Live && scope.wanted.contains(image.name))
        .filter(|image| image.file.is_none_or(|file| !ours.contains(file)))
        .map(|image| image.name.to_owned())
        .collect()
}

/// What marks and images together tell.
#[derive(Default)]
pub(super) struct Found<'a> {
    objects: Vec<Observed>,
    /// Every file that a mark of this lineage speaks of.
    pub(super) files: BTreeSet<&'a str>,
    /// Names under which something else stands than the mark speaks of.
    pub(super) usurped: BTreeMap<&'a str, &'a FileMark>,
    allocated: Bytes,
    promised: Bytes,
}

/// Images by what they can be found by.
struct Index<'i> {
    by_file: BTreeMap<&'i str, Vec<&'i Image<'i>>>,
    /// Staged and trashed images tell lineage and id by their names.
    by_owner: BTreeMap<Uuid, Vec<(Uuid, &'i Image<'i>)>>,
    by_name: BTreeMap<&'i str, &'i Image<'i>>,
}

impl<'i> Index<'i> {
    fn new(images: &'i [Image<'i>]) -> Self {
        let mut index =
            Index { by_file: BTreeMap::new(), by_owner: BTreeMap::new(), by_name: BTreeMap::new() };
        for image in images {
            if let Some(file) = image.file {
                index.by_file.entry(file).or_default().push(image);
            }
            if image.place == Place::Live {
                index.by_name.insert(image.name, image);
            } else if let Some((id, lineage)) = image.owner() {
                index.by_owner.entry(id).or_default().push((lineage, image));
            }
        }
        index
    }

    /// The image of a mark, and whether it is the very file that was marked. An image of ours that is not under a
    /// name is only ever under its own. What another mark speaks of (`claimed`) has not replaced anything: the name
    /// was free, because the marked image was gone.
    fn find(&self, mark: &FileMark, claimed: &BTreeSet<&str>) -> Option<(&'i Image<'i>, bool)> {
        let same = self.by_file.get(mark.file.as_str()).map_or(&[][..], Vec::as_slice);
        let owned = self.by_owner.get(&mark.id).map_or(&[][..], Vec::as_slice);
        let live = || same.iter().filter(|image| image.place == Place::Live);
        let own = || owned.iter().filter(|(lineage, _)| *lineage == mark.lineage).map(|(_, image)| *image);
        let intact = own()
            .find(|image| image.file == Some(&mark.file))
            .or_else(|| live().find(|image| image.name == mark.name).copied())
            .or_else(|| live().next().copied());
        let stands = |image: &&Image<'_>| image.file.is_none_or(|file| !claimed.contains(file));
        let other = || own().next().or_else(|| self.by_name.get(mark.name.as_str()).copied().filter(stands));
        intact.map(|image| (image, true)).or_else(|| other().map(|image| (image, false)))
    }
}

impl Image<'_> {
    /// `(id, lineage)` by the name of a staged or trashed image.
    fn owner(&self) -> Option<(Uuid, Uuid)> {
        let (id, lineage) = self.name.split_once('.')?;
        Some((id.parse().ok()?, lineage.parse().ok()?))
    }

    /// The object's name: the image's own where it has one.
    fn called<'s>(&'s self, mark: &'s FileMark) -> &'s str {
        if self.place == Place::Live { self.name } else { &mark.name }
    }

    fn describe(&self) -> String {
        match self.file {
            Some(_) => format!("another file, of {}", self.size),
            None => "something that is no regular file".to_owned(),
        }
    }

    fn notes(&self) -> BTreeMap<String, String> {
        let born = self.file.and_then(|file| file.split([':', '.']).nth(1)).unwrap_or_default();
        let mut notes = BTreeMap::from([("allocated_bytes".to_owned(), self.allocated.0.to_string())]);
        // File systems that do not keep it tell zero or a dash.
        if born.parse::<u64>().is_ok_and(|seconds| seconds > 0) {
            notes.insert("created_at".to_owned(), born.to_owned());
        }
        notes
    }
}

impl<'a> Found<'a> {
    fn new(scope: &Scope<'_>, marks: &'a Marks, images: &'a [Image<'a>]) -> Self {
        let index = Index::new(images);
        let mut found = Found::default();
        let claimed: BTreeSet<&str> = marks.read.iter().map(|mark| mark.file.as_str()).collect();
        for mark in &marks.read {
            if mark.lineage == scope.lineage {
                found.files.insert(mark.file.as_str());
            }
            let Some((image, intact)) = index.find(mark, &claimed) else { continue };
            if !intact && image.place == Place::Live {
                found.usurped.insert(image.name, mark);
            }
            let health = if intact { Health::Good } else { store::replaced(image.describe()) };
            found.add(mark.mark(), mark.body(image.called(mark), image.size), image, health);
        }
        found.objects.extend(marks.unread.iter().map(|id| unreadable(scope, *id)));
        for (id, owned) in index.by_owner.iter().filter(|(id, _)| !marks.know(**id)) {
            for (lineage, image) in owned {
                found.add(store::bare_mark(*lineage, *id), nameless(image.size), image, Health::Good);
            }
        }
        found
    }

    fn add(&mut self, mark: Mark, body: Body, image: &Image<'_>, health: Health) {
        self.allocated = self.allocated.saturating_add(image.allocated);
        self.promised = self.promised.saturating_add(image.size);
        self.objects.push(Observed {
            mark,
            place: image.place,
            body,
            health,
            open: false,
            notes: image.notes(),
        });
    }
}

/// What is known of an image whose mark is not there: it was being made, or being purged.
fn nameless(size: Bytes) -> Body {
    Body::Volume(VolumeBody { name: String::new(), size, serial: String::new(), source: None })
}

/// An object whose mark says nothing any more, so that nothing is done to it.
fn unreadable(scope: &Scope<'_>, id: Uuid) -> Observed {
    Observed {
        mark: store::bare_mark(scope.lineage, id),
        place: Place::Live,
        body: nameless(Bytes::ZERO),
        health: store::replaced(format!("its mark .vbs/{id}.json, which cannot be understood")),
        open: false,
        notes: BTreeMap::new(),
    }
}

/// Mark files as far as they could be understood.
pub(super) struct Marks {
    pub(super) read: Vec<FileMark>,
    ids: BTreeSet<Uuid>,
    pub(super) unread: BTreeSet<Uuid>,
}

impl Marks {
    /// # Errors
    /// A mark of a newer format: then nothing here is understood well enough to be acted upon.
    fn new(listing: &Listing<'_>) -> Result<Self, String> {
        let read = listing.marks::<FileMark>();
        if let Some(mark) = read.iter().find(|mark| mark.format > FORMAT) {
            return Err(format!(
                "the mark {}.json was written by a newer vbs (format {})",
                mark.id, mark.format
            ));
        }
        let mut unread = listing.marked_ids()?;
        for mark in &read {
            unread.remove(&mark.id);
        }
        Ok(Marks { ids: read.iter().map(|mark| mark.id).collect(), read, unread })
    }

    fn know(&self, id: Uuid) -> bool {
        self.ids.contains(&id) || self.unread.contains(&id)
    }
}
