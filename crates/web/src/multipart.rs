//! Forms that may hold files (`multipart/form-data`, RFC 7578).

use std::convert::Infallible;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use futures_util::stream;
use multer::{Multipart, parse_boundary};

/// More fields than any form here has.
const MAX_FIELDS: usize = 1000;

/// The fields of a form: name and text. Files are left out.
///
/// # Errors
/// Says why the body cannot be read.
pub async fn multipart_fields(headers: &HeaderMap, body: Vec<u8>) -> Result<Vec<(String, String)>, String> {
    let unreadable = |error: multer::Error| format!("The form cannot be read: {error}.");
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = parse_boundary(content_type).map_err(unreadable)?;
    let mut form = Multipart::new(stream::iter([Ok::<_, Infallible>(body)]), boundary);
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        let Some(name) = field.name().map(str::to_owned) else { continue };
        if field.file_name().is_some() {
            continue;
        }
        if fields.len() == MAX_FIELDS {
            return Err(format!("The form has more than {MAX_FIELDS} fields."));
        }
        fields.push((name, field.text().await.map_err(unreadable)?));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(content_type: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().expect("a header value"))])
    }

    #[tokio::test]
    async fn fields_are_read_and_files_left_out() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n2\r\n--b--\r\n";
        let fields = multipart_fields(&headers("multipart/form-data; boundary=b"), body.into()).await;
        assert_eq!(fields, Ok(vec![("a".to_owned(), "1".to_owned())]));
        assert!(multipart_fields(&headers("multipart/form-data"), body.into()).await.is_err());
        assert!(multipart_fields(&headers("multipart/form-data; boundary=b"), b"--b\r\n".to_vec()).await.is_err());
    }
}
