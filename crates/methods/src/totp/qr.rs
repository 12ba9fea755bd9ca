//! The picture that an authenticator app scans.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::Problem;
use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, EcLevel, QrCode};

/// Width and height in pixels, as Kratos has it.
pub(super) const SIZE: u32 = 256;
/// The white around the code that scanners need, in modules on each side (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;

/// A black and white QR code of `text`, as a `data:` URL of a PNG file.
///
/// # Errors
/// 500 when the text is too long for a QR code.
pub(super) fn data_url(text: &str) -> Result<String, Problem> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(Problem::internal)?;
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, SIZE, SIZE);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    let mut writer = encoder.write_header().map_err(Problem::internal)?;
    writer.write_image_data(&pixels(&code)).map_err(Problem::internal)?;
    writer.finish().map_err(Problem::internal)?;
    Ok(format!("data:image/png;base64,{}", BASE64_STANDARD.encode(file)))
}

/// The code in the middle of a white square: one bit for each pixel, row by row, ones being white.
fn pixels(code: &QrCode) -> Vec<u8> {
    let (size, modules) = (SIZE as usize, code.width());
    // Even the largest code has 177 modules, so each is a pixel wide at least.
    let scale = size / (modules + 2 * QUIET_ZONE);
    let margin = (size - modules * scale) / 2;
    let mut pixels = vec![0xff; size * size / 8];
    for y in 0..modules * scale {
        for x in 0..modules * scale {
            if code[(x / scale, y / scale)] == Color::Dark {
                let at = (margin + y) * size + margin + x;
                pixels[at / 8] &= !(0x80 >> (at % 8));
            }
        }
    }
    pixels
}
