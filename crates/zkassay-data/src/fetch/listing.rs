//! What is in a bucket: the JSON listing of Google Cloud Storage.
//!
//! <https://cloud.google.com/storage/docs/json_api/v1/objects/list>

use std::collections::BTreeMap;

use serde::Deserialize;

use super::FetchError;
use super::checksum::Checksum;
use super::client::Client;
use super::target::Target;
use crate::hub::is_inside;

/// The server of all buckets.
const SERVER: &str = "https://storage.googleapis.com";

/// One page of a listing.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    items: Vec<Object>,
    #[serde(rename = "nextPageToken")]
    next: Option<String>,
}

/// One object; the server writes numbers as texts.
#[derive(Deserialize)]
struct Object {
    name: String,
    size: String,
    #[serde(rename = "md5Hash")]
    md5: Option<String>,
    generation: Option<String>,
}

/// Every object of `bucket` whose name starts with one of `prefixes`, sorted by name.
pub(super) fn targets(
    client: &Client<'_>,
    bucket: &str,
    prefixes: &[String],
) -> Result<Vec<Target>, FetchError> {
    let mut targets = BTreeMap::new();
    for prefix in prefixes {
        let before = targets.len();
        let url = list(client, bucket, prefix, &mut targets)?;
        if targets.len() == before {
            return Err(
                client.unusable_listing(&url, format!("nothing in it starts with `{prefix}`"))
            );
        }
    }
    Ok(targets.into_values().collect())
}

/// Adds the objects of one prefix, page by page; returns the address of the first page.
fn list(
    client: &Client<'_>,
    bucket: &str,
    prefix: &str,
    targets: &mut BTreeMap<String, Target>,
) -> Result<String, FetchError> {
    let first = format!(
        "{SERVER}/storage/v1/b/{bucket}/o?prefix={}&fields=items(name,size,md5Hash,crc32c,generation),nextPageToken",
        encode(prefix)
    );
    let mut url = first.clone();
    let mut last_token = None;
    loop {
        let page: Page = client.get_json(&url)?;
        // A plain copy of the bucket on a file server answers every query with the same listing.
        for object in page
            .items
            .into_iter()
            .filter(|object| object.name.starts_with(prefix))
        {
            // Placeholders for directories.
            if object.name.ends_with('/') {
                continue;
            }
            let target =
                target(bucket, &object).map_err(|reason| client.unusable_listing(&url, reason))?;
            targets.insert(object.name, target);
        }
        match page.next.filter(|token| !token.is_empty()) {
            None => return Ok(first),
            Some(token) if Some(&token) == last_token.as_ref() => {
                return Err(
                    client.unusable_listing(&url, "its pages go round in circles".to_owned())
                );
            }
            Some(token) => {
                url = format!("{first}&pageToken={}", encode(&token));
                last_token = Some(token);
            }
        }
    }
}

fn target(bucket: &str, object: &Object) -> Result<Target, String> {
    let name = &object.name;
    if !is_inside(name) {
        return Err(format!("`{name}` cannot be the name of a file"));
    }
    let bytes = object.size.parse();
    let bytes = bytes.map_err(|_| format!("`{name}` has the size `{}`", object.size))?;
    let checksum = match &object.md5 {
        // Objects put together from parts have none.
        None => None,
        Some(md5) => Some(
            Checksum::md5_of_base64(md5).ok_or_else(|| format!("`{name}` has the MD5 `{md5}`"))?,
        ),
    };
    Ok(Target {
        url: format!("{SERVER}/{bucket}/{}", encode(name)),
        path: name.clone(),
        bytes: Some(bytes),
        checksum,
        generation: object.generation.clone(),
    })
}

/// Percent-encodes all but letters, digits, `-._~` and `/`.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_for_addresses() {
        assert_eq!(
            encode("TVL/project=lido/a b.parquet"),
            "TVL/project%3Dlido/a%20b.parquet"
        );
    }

    #[test]
    fn objects_that_would_leave_the_directory_are_refused() {
        for (name, size) in [("../x", "1"), ("/x", "1"), ("a", "-1"), ("a", "many")] {
            let object = Object {
                name: name.to_owned(),
                size: size.to_owned(),
                md5: None,
                generation: None,
            };
            assert!(target("bucket", &object).is_err(), "{name} {size}");
        }
    }
}
