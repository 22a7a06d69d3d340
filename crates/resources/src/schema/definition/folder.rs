//! A directory of definition files.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::ResourceType;
use super::super::located_yaml::Position;
use super::mistake::{DefinitionError, mistake};
use super::read;
use super::together::{Parsed, resolve};

/// The position of what has no lines.
const NOWHERE: Position = Position { line: 0, column: 0 };

/// The longest definition file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Where a mistake stands that concerns a whole file.
const START: Position = Position { line: 1, column: 1 };

/// Reads every `.yaml` and `.yml` file of a folder, in the order of their names, or one file.
///
/// `reserved` are the first path segments that belong to others, with what they are.
///
/// # Errors
/// Every mistake in every file; also two files for one type, URL or collection, a reserved name, a
/// relationship that leads nowhere, and a folder that cannot be read or has no definition.
pub fn load_folder(
    folder: &Path,
    reserved: &[&str],
) -> Result<Vec<Arc<ResourceType>>, DefinitionError> {
    let files = definition_files(folder).map_err(|message| DefinitionError {
        mistakes: vec![(folder.to_owned(), mistake(NOWHERE, "", message))],
    })?;
    let parsed = files.iter().map(|file| match text(file) {
        Ok(text) => read(&text),
        Err(message) => Parsed::unreadable(mistake(START, "", message)),
    });
    let resolved = resolve(parsed.collect(), reserved);
    let mut mistakes = Vec::new();
    let mut types = Vec::new();
    for (file, resolved) in files.into_iter().zip(resolved) {
        match resolved {
            Ok(resource_type) => types.push(Arc::new(resource_type)),
            Err(found) => mistakes.extend(found.into_iter().map(|found| (file.clone(), found))),
        }
    }
    if mistakes.is_empty() {
        Ok(types)
    } else {
        Err(DefinitionError { mistakes })
    }
}

/// The text of a definition file. What is no regular file may never end.
fn text(path: &Path) -> Result<String, String> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    if !matches!(extension, Some("yaml" | "yml")) {
        return Err("is not read: the name of a definition file ends in '.yaml' or '.yml'".into());
    }
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("is no regular file".to_owned());
    }
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    if text.len() as u64 > FILE_BYTES_MAX || metadata.len() > FILE_BYTES_MAX {
        return Err(format!("is larger than {FILE_BYTES_MAX} bytes"));
    }
    read.map_err(unreadable)?;
    Ok(text)
}

/// The files whose names end like those of definitions, also in capitals.
fn definition_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => "there is no such folder or file".to_owned(),
        _ => format!("the folder cannot be read: {error}"),
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|extension| matches!(&*extension.to_ascii_lowercase(), "yaml" | "yml"))
        {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err("the folder has no definition file (*.yaml)".to_owned());
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_all_types_or_all_mistakes() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        assert!(load_folder(folder.path(), &[]).is_err());
        write("a.yaml", "type: a\nattributes: {type: object}\n");
        write(
            "b.yml",
            "type: b\ncollection: shared\nattributes: {type: object}\n",
        );
        assert_eq!(load_folder(folder.path(), &[]).unwrap().len(), 2);
        assert_eq!(
            load_folder(folder.path(), &["a"])
                .unwrap_err()
                .mistakes
                .len(),
            1
        );
        write("c.yaml", "type: a\nattributes: {type: object}\n");
        write(
            "d.yaml",
            "type: d\ncollection: Shared\nattributes: {type: object}\n",
        );
        write("e.yaml", "type: [\n");
        let error = load_folder(folder.path(), &[]).unwrap_err();
        assert_eq!(error.mistakes.len(), 3);
        assert!(error.to_string().contains("e.yaml:"), "{error}");
    }

    #[test]
    fn one_file_is_read_alone_and_a_folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.yaml"), "type: a\nattributes: {type: object}\n").unwrap();
        std::fs::write(path("b.yaml"), "type: [\n").unwrap();
        assert_eq!(load_folder(&path("a.yaml"), &[]).unwrap()[0].name, "a");
        let absent = load_folder(&path("absent"), &[]).unwrap_err();
        let told = format!(
            "{}: there is no such folder or file",
            path("absent").display()
        );
        assert_eq!(absent.to_string(), told);
    }

    #[test]
    fn only_regular_files_of_a_bounded_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink("/dev/zero", path("a.yaml")).unwrap();
        std::fs::create_dir(path("b.yaml")).unwrap();
        std::fs::write(path("c.YAML"), "type: c\nattributes: {type: object}\n").unwrap();
        std::fs::write(path("d.yaml"), "#".repeat(5 << 20)).unwrap();
        let error = load_folder(folder.path(), &[]).unwrap_err().to_string();
        for told in [
            "a.yaml:1:1: is no regular file",
            "b.yaml:1:1: is no regular file",
            "c.YAML:1:1: is not read",
            "d.yaml:1:1: is larger than",
        ] {
            assert!(error.contains(told), "{told}: {error}");
        }
    }
}
