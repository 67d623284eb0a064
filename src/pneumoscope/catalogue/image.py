"""What is said of an image."""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    # The image: what its file or header leaves open, and what was assumed.
    "bits_reduced": "The file's {bits} bits per channel were reduced to 8.",
    "burned_in_text": "Text is burned into the picture; it may show the patient's name.",
    "bytes_after_pixels": "{count:,} bytes follow the last pixel and were left out.",
    "colour_made_grey": "The image is in colour; it was converted to grey.",
    "exif_damaged": "The EXIF data are damaged; the orientation is taken as upright.",
    "for_processing": "The image is raw (for processing), not the one made for display.",
    "inverse_presentation": (
        "The header says MONOCHROME2 with an INVERSE presentation; it was inverted."
    ),
    "modality_lut_damaged": "The header's modality LUT is damaged and was ignored.",
    "no_header": (
        "An image file has no header: modality and body part are judged by the look of the picture "
        "alone, and a lateral view may pass unnoticed."
    ),
    "no_window": "No usable window: values {low:g} to {high:g} were shown as black to white.",
    "photometric_not_stated": (
        "The header does not say whether white or black is high; white was taken."
    ),
    "rescale_not_valid": ("The header's rescale slope or intercept is not valid and was ignored."),
    "sixteen_bits_scaled": (
        "The 16-bit file holds {bits}-bit values; they were scaled by {highest}."
    ),
    "transfer_syntax_not_stated": (
        "The file names no transfer syntax; it was read as uncompressed."
    ),
    "values_scaled": "The values {low:g} to {high:g} were scaled to black and white.",
    "voi_lut_damaged": "The header's VOI LUT is damaged and was ignored.",
    "voi_lut_depth": "The header's VOI LUT of {declared} bits holds {bits}-bit values.",
    "voi_lut_function_unknown": "The header's VOI LUT function is not known; LINEAR was used.",
    "window_not_valid": "The header's window is not valid and was ignored.",
    "window_shows_few_greys": (
        "The header's window shows little of the image: its greys take up only {share:.0%} of the "
        "scale."
    ),
    "window_shows_nothing": "The header's window shows nothing of this image and was ignored.",
    "window_shows_one_end": (
        "The header's window shows little of the image: {share:.0%} of the pixels lie at one end "
        "of the grey scale."
    ),
    "window_width_not_valid": "The header's window width is not valid and was ignored.",
    "body_part_not_stated": (
        "The header names no body part: whether this is a chest is unchecked."
    ),
    "modality_not_stated": (
        "The header names no modality: it was checked by the look of the picture alone."
    ),
    "view_not_stated": "The header names no view: whether this is a frontal view is unchecked.",
    # The image: why it has no answer at all.
    "image_unreadable": "{reason}.",
    "reading_ended": (
        "The process that read this image ended ({how}). The file may be damaged, or memory short: "
        "read it alone."
    ),
    "reading_too_long": "This image took more than {seconds:g} s and was given up: read it alone.",
    "reading_failed": "An internal error ({kind}): read this image alone, and report it please.",
    # The image: how it looks.
    "looks_inverted": (
        "The image looks inverted (bone dark, air bright). It was not turned round: if it is "
        "inverted, the answer is not valid. Export it again as it is seen on the screen, bone "
        "bright."
    ),
    "looks_inverted_by_header": (
        "The image looks inverted (bone dark, air bright); the header says {photometric}. It was "
        "not turned round: if it is inverted, the answer is not valid. Export it again with the "
        "right PhotometricInterpretation, or as it is seen on the screen, bone bright."
    ),
    "mirrored": (
        "The heart seems to lie on the patient's right: check that the picture is not mirrored. "
        "If it is not, the heart may really lie there (dextrocardia)."
    ),
    "no_lung_found": (
        "No lung was found in the picture: check that it is a frontal chest radiograph with the "
        "whole chest on it. If it is, a lung may be hidden by an opacity, and the answer may rest "
        "on the other alone."
    ),
    "one_lung_found": (
        "Only one lung was found in the picture: check that it is a frontal chest radiograph with "
        "the whole chest on it. If it is, a lung may be hidden by an opacity, and the answer may "
        "rest on the other alone."
    ),
    # The image: why nothing is said of it.
    "not_frontal_chest": (
        "The picture does not look like a frontal chest radiograph: give one frontal radiograph "
        "with the whole chest on it."
    ),
    "upside_down": "The picture seems upside down: turn it and try again.",
    "rotated": (
        "The picture seems to lie on its side: turn it by a quarter turn, so that the head is on "
        "top, and try again."
    ),
    "inverted": (
        "The picture seems inverted (bone dark, air bright): export it again as it is seen on the "
        "screen, bone bright."
    ),
    "screen_photograph": (
        "The picture seems to be a photograph of a screen or a film: export the radiograph itself "
        "from the viewer or the scanner."
    ),
    "cropped": (
        "A part of a lung seems to be cut off: give the whole radiograph, with both lungs on it."
    ),
    "exposure": (
        "Hardly anything can be seen in the picture (nearly all black or white, or without "
        "contrast): export the radiograph again as it is seen on the screen."
    ),
    "body_part": "The header says body part {body_part}; only the chest is read.",
    "lateral_orientation": (
        "The header says patient orientation {orientation}, a lateral view; only frontal views "
        "(PA, AP) are read."
    ),
    "lateral_view": "The header says view {view}; only frontal views (PA, AP) are read.",
    "localizer": "The header says image type LOCALIZER; only axial slices are read.",
    "modality": (
        "The header says modality {modality}, and this bundle reads {reads}s only "
        "({modalities}); give a bundle that reads such images (pneumoscope bundle list)."
    ),
    "not_a_ct_slice": (
        "The picture looks like a {likely}, and this bundle reads {reads}s only "
        "({modalities}); give a bundle that reads such images (pneumoscope bundle list)."
    ),
    "not_a_radiograph": (
        "The picture looks like an {likely}, or is not upright, and this bundle reads {reads}s "
        "only ({modalities}); give a bundle that reads such images (pneumoscope bundle list)."
    ),
    "object_kind": (
        "The object is a {kind}, and this bundle reads {reads}s only "
        "({modalities}); give a bundle that reads such images (pneumoscope bundle list)."
    ),
    "unlike_training": (
        "The picture is unlike the images that trained the bundle (distance {distance:.1f}, limit "
        "{limit:.1f}), so that no figure of the bundle holds for it."
    ),
    "unlike_training_of_group": (
        "The picture is unlike the images of {group} that trained the bundle (distance "
        "{distance:.1f}, limit {limit:.1f}), so that no figure of the bundle holds for it."
    ),
}
