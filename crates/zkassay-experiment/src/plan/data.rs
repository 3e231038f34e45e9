//! Data sets by name: what `zkassay data list` has, where `zkassay data path` says.

use std::path::{Path, PathBuf};

use anyhow::Result;
use zkassay_data::{Cache, Catalogue, Entry};

use super::near::did_you_mean;

/// Where `data` is: a path that exists, the place of a data set of this name, or else the path
/// as given.
///
/// # Errors
/// It is a name, and the place of data sets is not known.
pub(crate) fn locate(data: &Path) -> Result<PathBuf> {
    if data.exists() {
        return Ok(data.to_owned());
    }
    match entry(data) {
        Some(entry) => Ok(Cache::from_environment()?.location(&entry)),
        None => Ok(data.to_owned()),
    }
}

/// Whether `data` names a data set and is no path that exists.
pub(crate) fn is_name(data: &Path) -> bool {
    !data.exists() && entry(data).is_some()
}

/// The name of the data set that is kept in `path`, or else the path: what [`locate`] takes.
pub(crate) fn name_or_path(path: &Path) -> String {
    let name = Cache::from_environment().ok().and_then(|cache| {
        let catalogue = catalogue();
        let mut entries = catalogue.entries().iter();
        // One that a path of the same name hides is not found by it.
        let entry =
            entries.find(|entry| cache.location(entry) == path && !Path::new(&entry.name).exists());
        entry.map(|entry| entry.name.clone())
    });
    name.unwrap_or_else(|| path.to_string_lossy().into_owned())
}

/// What is to be done before `path` can be read; nothing if it can.
pub(crate) fn missing(path: &Path) -> Option<String> {
    let name = name_or_path(path);
    let catalogue = catalogue();
    // A path that is no data set's counts as it is, even if it has the name of one.
    if name != path.to_string_lossy()
        && let Ok(entry) = catalogue.get(&name)
    {
        let found = Cache::from_environment().and_then(|cache| cache.path(entry));
        return found.err().map(|error| error.to_string());
    }
    if path.exists() {
        return None;
    }
    let names = catalogue.entries().iter().map(|entry| entry.name.as_str());
    let hint = did_you_mean(&name, names);
    Some(format!(
        "there is no file or folder {}, and no data set of that name{hint} \
         (`zkassay data list` shows them)",
        path.display()
    ))
}

/// The data set of a name, built in or the user's own.
fn entry(data: &Path) -> Option<Entry> {
    catalogue().get(data.to_str()?).ok().cloned()
}

/// All data sets. A user's file that cannot be read leaves those that are built in: `zkassay data
/// list` says what is wrong with it.
fn catalogue() -> Catalogue {
    let user = Catalogue::user_file().filter(|file| file.is_file());
    let with_user = user.and_then(|file| Catalogue::builtin().with_file(&file).ok());
    with_user.unwrap_or_else(Catalogue::builtin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(locate(folder.path()).unwrap(), folder.path());
        assert_eq!(missing(folder.path()), None);
        let none = folder.path().join("prices.csv");
        assert_eq!(locate(&none).unwrap(), none);
        let message = missing(&none).unwrap();
        assert!(message.contains("no file or folder") && message.contains("prices.csv"));
        assert_eq!(name_or_path(&none), none.to_string_lossy());
    }

    #[test]
    fn names_lead_to_the_cache_and_back() {
        for name in ["giza", "fixtures-giza", "tvl-lido"] {
            let path = locate(Path::new(name)).unwrap();
            assert!(
                path.is_absolute() && path.ends_with(name),
                "{}",
                path.display()
            );
            assert_eq!(name_or_path(&path), name);
            assert!(is_name(Path::new(name)));
            if !path.exists() {
                let message = missing(&path).unwrap();
                let fetch = format!("zkassay data fetch {name}");
                assert!(message.contains(&fetch), "{message}");
            }
        }
        assert!(!is_name(Path::new("fixturez")));
        let message = missing(&locate(Path::new("gizza")).unwrap()).unwrap();
        assert!(message.contains("did you mean `giza`?"), "{message}");
    }
}
