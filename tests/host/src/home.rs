//! The folder where `serve` keeps what survives a restart.

use crate::Disk;
use crate::desk::Keys;
use anyhow::{Context as _, Result};
use firstline_vendors::Vendors;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// A folder for one person's eyes: it holds private keys, and passwords that the emulated vendors were sent.
pub struct Home(PathBuf);

impl Home {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// It cannot be made or written to.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
        Ok(Self(folder))
    }

    /// The application's store.
    ///
    /// # Errors
    /// It cannot be opened: another process has it, or it is damaged.
    pub fn store(&self) -> Result<Disk> {
        Disk::open(&self.0.join("store.redb")).context("is another `serve` running?")
    }

    /// The keys, made when they are first asked for: what the store holds opens with these and no others.
    ///
    /// # Errors
    /// They cannot be read or written.
    pub fn keys(&self) -> Result<Keys> {
        if let Some(keys) = self.load("keys.json")? {
            return Ok(keys);
        }
        let keys = Keys::make()?;
        self.save("keys.json", &keys)?;
        Ok(keys)
    }

    /// Puts emulated vendors back to where they were; false if they never were here.
    ///
    /// # Errors
    /// The file cannot be read, or is of another version.
    pub fn recall(&self, vendors: &Vendors) -> Result<bool> {
        let Some(state) = self.load("vendors.json")? else { return Ok(false) };
        vendors
            .seed(&state)
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("`{}` is of another version: delete the folder to begin anew", self.0.display()))?;
        Ok(true)
    }

    /// Keeps the state of emulated vendors.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn remember(&self, vendors: &Vendors) -> Result<()> {
        self.save("vendors.json", &vendors.state())
    }

    fn load<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let path = self.0.join(name);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| format!("`{}` is damaged", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        }
    }

    fn save(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let path = self.0.join(name);
        write(&path, &serde_json::to_vec(value)?).with_context(|| format!("cannot write `{}`", path.display()))
    }
}

/// Writes beside and renames, so that the file is whole at any time, and readable by its owner alone from its first byte on.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_made_once_and_only_their_owner_reads_them() {
        let folder = std::env::temp_dir().join(format!("firstline-home-{}", std::process::id()));
        let home = Home::open(&folder).unwrap();
        let first = home.keys().unwrap();
        let second = Home::open(&folder).unwrap().keys().unwrap();
        assert_eq!((&first.variables, &first.owner_token), (&second.variables, &second.owner_token));
        #[cfg(unix)]
        for (path, mode) in [(folder.clone(), 0o700), (folder.join("keys.json"), 0o600)] {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
        }
        fs::write(folder.join("keys.json"), "{").unwrap();
        assert!(format!("{:#}", home.keys().unwrap_err()).contains("is damaged"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn vendors_come_back_as_they_were() {
        let folder = std::env::temp_dir().join(format!("firstline-home-vendors-{}", std::process::id()));
        let home = Home::open(&folder).unwrap();
        let vendors = || Vendors::new(|| 0);
        assert!(!home.recall(&vendors()).unwrap());
        let before = vendors();
        before.seed(&serde_json::from_str(firstline_vendors::DEMO).unwrap()).unwrap();
        before.act(&json!({"slack": {"workspace": "T0ACME", "user": "U0JANE", "set": {"real_name": "Jane Changed"}}})).unwrap();
        home.remember(&before).unwrap();
        let after = vendors();
        assert!(home.recall(&after).unwrap());
        assert_eq!(before.state(), after.state());
        fs::write(folder.join("vendors.json"), r#"{"pager": {}}"#).unwrap();
        assert!(format!("{:#}", home.recall(&after).unwrap_err()).contains("another version"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = std::env::temp_dir().join(format!("firstline-home-file-{}", std::process::id()));
        fs::write(&file, "").unwrap();
        let complaint = Home::open(file.join("below")).map(|_| ()).unwrap_err();
        assert!(format!("{complaint:#}").contains("cannot make the folder"), "{complaint:#}");
        fs::remove_file(file).unwrap();
    }
}
