//! Ed25519 keys in the PEM forms that other tools read and write: PKCS #8 for the secret key, SPKI for the public one.
//! `openssl pkey -in FILE -text` shows either, `openssl genpkey -algorithm ed25519` makes one.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePublicKey, KeypairBytes};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tempfile::NamedTempFile;

use crate::merkle::unhex;

/// Why a key was not made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file exists.
    #[error("{}: this file exists and may be a key in use; choose another name", .0.display())]
    Taken(PathBuf),
    /// The file holds no secret key.
    #[error("{}: not an Ed25519 secret key in PEM; make one with `habsburg provenance key FILE`", .0.display())]
    NoSecret(PathBuf),
    /// Neither a public key nor a file that holds one.
    #[error(
        "{0}: neither 64 hexadecimal digits nor a file with an Ed25519 public key in PEM; give the FILE.pub that was made with the key"
    )]
    NoPublic(String),
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The system has no source of random numbers.
    #[error("no random numbers from the system for a key: {0}")]
    Random(getrandom::Error),
}

/// An Ed25519 secret key, which signs. Wiped from memory when it is dropped.
pub struct SecretKey(SigningKey);

/// An Ed25519 public key, which says who signed. Written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// An Ed25519 signature. Written as 128 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signature(ed25519_dalek::Signature);

/// Makes a key pair: the secret key in `path`, which only its owner may read (mode 600 on Unix), the public key beside it
/// in `path.pub`.
///
/// # Errors
/// Files that are there already, or cannot be written.
pub fn make_key(path: &Path) -> Result<PublicKey, KeyError> {
    let beside = beside(path);
    if let Some(taken) = [path, &beside].into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(KeyError::Taken(taken.to_owned()));
    }
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(KeyError::Random)?;
    let key = SigningKey::from_bytes(&secret);
    // Without its public key, which older versions of other tools do not expect in this place.
    let pair = KeypairBytes { secret_key: secret, public_key: None };
    let pem =
        ed25519_dalek::pkcs8::EncodePrivateKey::to_pkcs8_pem(&pair, LineEnding::LF).expect("32 bytes have a form");
    let public = key.verifying_key().to_public_key_pem(LineEnding::LF).expect("32 bytes have a form");
    // Both are on the disk before either has its name, and the secret key gets its name last: where it is, the pair is whole.
    let secret = written(path, pem.as_bytes(), 0o600)?;
    let public = written(&beside, public.as_bytes(), 0o644)?;
    name(public, &beside)?;
    name(secret, path).inspect_err(|_| {
        // Half a pair is none; the first error is the one to report.
        std::fs::remove_file(&beside).ok();
    })?;
    Ok(PublicKey(key.verifying_key()))
}

/// Where the public key of a secret one lies.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".pub");
    name.into()
}

/// A file without a name yet, beside the one that it is to have; gone if it never gets it.
fn written(path: &Path, bytes: &[u8], mode: u32) -> Result<NamedTempFile, KeyError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".key-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    let write = || -> io::Result<NamedTempFile> {
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    // A temporary file's errors name its own path, which says nothing to anyone.
    write().map_err(|error| KeyError::File { path: path.to_owned(), source: error.kind().into() })
}

/// Gives a file its name, unless that is taken.
fn name(file: NamedTempFile, path: &Path) -> Result<(), KeyError> {
    let named = file.persist_noclobber(path).map(|_| ());
    named.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Taken(path.to_owned()),
        _ => KeyError::File { path: path.to_owned(), source: error.error },
    })
}

/// A small text file; what is longer is no key.
fn read(path: &Path) -> Result<String, KeyError> {
    const LONGEST: u64 = 1 << 14;
    let mut bytes = Vec::new();
    let opened = corpus::files::open_file(path).map_err(corpus::ReadError::into_io);
    (opened.and_then(|(file, _)| file.take(LONGEST).read_to_end(&mut bytes)))
        .map_err(|source| KeyError::File { path: path.to_owned(), source })?;
    Ok(String::from_utf8(bytes).unwrap_or_default())
}

impl SecretKey {
    /// Reads a key that [`make_key`] or another tool made.
    ///
    /// # Errors
    /// A file that cannot be read or holds another thing.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let key = SigningKey::from_pkcs8_pem(read(path)?.trim()).map_err(|_| KeyError::NoSecret(path.to_owned()))?;
        Ok(Self(key))
    }

    /// The key that its signatures are checked with.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, statement: &[u8]) -> Signature {
        Signature(self.0.sign(statement))
    }
}

impl PublicKey {
    /// A key from its 64 hexadecimal digits, or from a file that [`make_key`] or another tool made.
    ///
    /// # Errors
    /// Text that is neither.
    pub fn load(key: &str) -> Result<Self, KeyError> {
        if let Ok(key) = key.parse() {
            return Ok(key);
        }
        let none = || KeyError::NoPublic(key.to_owned());
        let path = Path::new(key);
        if !path.exists() {
            return Err(none());
        }
        VerifyingKey::from_public_key_pem(read(path)?.trim()).ok().and_then(Self::strong).ok_or_else(none)
    }

    /// Under a weak key, every message has signatures that anybody can make.
    fn strong(key: VerifyingKey) -> Option<Self> {
        (!key.is_weak()).then_some(Self(key))
    }

    /// Whether this key's secret half signed the statement. Strict: a statement has one valid signature, and libraries
    /// agree on which.
    pub(crate) fn holds(&self, statement: &[u8], signature: &Signature) -> bool {
        self.0.verify_strict(statement, &signature.0).is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let key = unhex(text).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
        key.and_then(Self::strong).ok_or_else(|| KeyError::NoPublic(text.to_owned()))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("`key` is no Ed25519 public key in hexadecimal digits"))
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = unhex(&String::deserialize(deserializer)?);
        let bytes =
            bytes.ok_or_else(|| serde::de::Error::custom("`signature` is not 128 lower-case hexadecimal digits"))?;
        Ok(Self(ed25519_dalek::Signature::from_bytes(&bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 2: the message is one byte.
    #[test]
    fn signatures_are_those_of_the_rfc() {
        let secret = unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").unwrap();
        let key = SecretKey(SigningKey::from_bytes(&secret));
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        assert_eq!(key.public().to_string(), public);
        let mark = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                    085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(hex::encode(key.sign(&[0x72]).0.to_bytes()), mark);
        assert!(key.public().holds(&[0x72], &key.sign(&[0x72])));
        assert!(!key.public().holds(&[0x73], &key.sign(&[0x72])));
    }

    #[test]
    fn weak_keys_are_no_keys() {
        // The neutral element: every signature of the right form would hold.
        let neutral = format!("01{}", "00".repeat(31));
        assert!(matches!(neutral.parse::<PublicKey>(), Err(KeyError::NoPublic(_))));
    }

    #[test]
    fn key_files_are_made_once_and_kept_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("me.key");
        let public = make_key(&path).unwrap();
        assert_eq!(SecretKey::load(&path).unwrap().public(), public);
        assert_eq!(PublicKey::load(&format!("{}.pub", path.display())).unwrap(), public);
        assert_eq!(PublicKey::load(&public.to_string()).unwrap(), public);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(matches!(make_key(&path), Err(KeyError::Taken(taken)) if taken == path));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(make_key(&path), Err(KeyError::Taken(taken)) if taken.ends_with("me.key.pub")));
        assert!(!path.exists());
        let error = PublicKey::load("nowhere.pub").unwrap_err().to_string();
        assert!(error.starts_with("nowhere.pub: neither 64"), "{error}");
    }

    /// The example of RFC 8410, section 10.3, and what `openssl pkey -pubout` makes of it.
    #[test]
    fn keys_of_other_tools_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let secret = file(
            "s",
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n",
        );
        let public = file(
            "p",
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n",
        );
        let loaded = PublicKey::load(public.to_str().unwrap()).unwrap();
        assert_eq!(SecretKey::load(&secret).unwrap().public(), loaded);
        assert!(matches!(SecretKey::load(&public), Err(KeyError::NoSecret(_))));
        assert!(matches!(PublicKey::load(secret.to_str().unwrap()), Err(KeyError::NoPublic(_))));
    }
}
