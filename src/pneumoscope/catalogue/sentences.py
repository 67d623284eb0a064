"""The words for every message, in one place, so that they can be translated.

English is the original: its sentences are the keys of a translation, as gettext has it. A part in
braces is filled with one of the message's values.
"""

from __future__ import annotations

from collections.abc import Iterable
from gettext import NullTranslations

from pneumoscope.findings import Message, Value

ENGLISH = NullTranslations()
"""No translation: the sentences as they stand below."""

SENTENCES = {
    # Of another version of the program: its own sentence.
    "as_written": "{text}",
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
    # The patient.
    "age_computed": "The patient's age was computed from the dates in the header.",
    "age_differs": (
        "The age given ({given:g}) is not the header's ({header:g}): is this the right patient's "
        "image?"
    ),
    "age_not_valid": "The patient's age in the header is not valid and was ignored.",
    "age_unit_not_stated": ("The patient's age in the header has no unit; it was taken as years."),
    "sex_differs": (
        "The sex given ({given}) is not the header's ({header}): is this the right patient's image?"
    ),
    "sex_not_valid": "The patient's sex in the header is not valid and was ignored.",
    "age_assumed": (
        "The patient's age is not known: by its look, the image was read as one of {group} "
        "(probability {probability:.2f}). Give the age: calibration and thresholds depend on it, "
        "and limits of the model and of the rules can then be told."
    ),
    "age_not_known": (
        "The patient's age is not known: give it, so that limits of the model and of the rules for "
        "this age can be told."
    ),
    # The model.
    "age_not_covered": "The bundle's training sets hardly cover patients of {age} years.",
    "class_not_trained": (
        "The bundle was trained on no image labelled {label} of patients of {age} years: another "
        "disease may be answered as one of the other classes."
    ),
    "must_not_be_used": "The bundle {bundle} must not be used: {uses}.",
    "same_bundle": "a and b are the same bundle: every difference is 0.",
    "split_leaks": (
        "The bundle {bundle} {version} was trained on a split that leaks ({leaks}): the figures in "
        "its card are too good."
    ),
    "identical_in_training": (
        "{identical} of {images} images were in the bundle's own training: the figures flatter it. "
        "`overlap` in the JSON names them."
    ),
    "near_in_training": (
        "{near} of {images} images look like changed copies of images in the bundle's own "
        "training: the figures flatter it. `overlap` in the JSON names them."
    ),
    "identical_and_near_in_training": (
        "{identical} of {images} images were in the bundle's own training, and {near} more look "
        "like changed copies of images in it: the figures flatter it. `overlap` in the JSON names "
        "them."
    ),
    "compared_identical_in_training": (
        "{identical} of {images} images were in the training of {bundle}: the comparison flatters "
        "it. `overlap` in the JSON names them."
    ),
    "compared_near_in_training": (
        "{near} of {images} images look like changed copies of images in the training of {bundle}: "
        "the comparison flatters it. `overlap` in the JSON names them."
    ),
    "compared_identical_and_near_in_training": (
        "{identical} of {images} images were in the training of {bundle}, and {near} more look "
        "like changed copies of images in it: the comparison flatters it. `overlap` in the JSON "
        "names them."
    ),
    # A folder of labelled images.
    "column_tells_label": (
        "The column {name!r} tells the label (Cramer's V {cramers_v:.2f}): {value} is "
        "{share_of_label:.0%} of {label} and {share_of_others:.0%} of the others."
    ),
    "property_tells_label": (
        "The {name} tells the label (Cramer's V {cramers_v:.2f}): {value} is {share_of_label:.0%} "
        "of {label} and {share_of_others:.0%} of the others."
    ),
    "files_not_read": (
        "{count} files have no image ending and are not read (first: {first!r}); rename them "
        "({endings}) or list them in labels.csv."
    ),
    "identical_across_patients": (
        "Groups with identical images lie across patients: a split by patient does not part them "
        "({groups})."
    ),
    "identical_with_several_labels": (
        "Groups with identical images have different labels: at least one is wrong ({groups})."
    ),
    "nearly_identical_across_patients": (
        "Groups with nearly identical images lie across patients: candidates, look at each "
        "({groups})."
    ),
    "images_not_readable": (
        "{count} of {images} images could not be read and are in no figure, the first being "
        "{first}."
    ),
    "images_refused": (
        "{count} of {images} images would be refused by diagnose (by the header or the look of the "
        "picture, or as unlike the training); they are scored all the same."
    ),
    "intervals_without_patients": (
        "No patient is known: every image counts as its own, and the intervals are too narrow if "
        "some share one."
    ),
    "patients_with_several_labels": "{count} of {patients} patients have several labels.",
    "split_without_patients": (
        "No patient is known: a split cannot keep one patient's images together."
    ),
    # The severity.
    "image_is_no_evidence": (
        "The severity is from the symptoms alone: its rules were written for the probability of "
        "pneumonia on a chest radiograph, which this bundle does not give."
    ),
    "image_not_read": "The severity is from the symptoms alone: the image was not read.",
    "level_jumps": (
        "By the rule base {rule_base} the level jumps from visit to visit: go by the symptoms and "
        "their trends."
    ),
    "measure_or_ask": (
        "Measure or ask: {missing}. Until then the level by the rule base {rule_base} may be as "
        "bad as {level}."
    ),
    "no_severity": "No severity: {reason}.",
    "rule_base_as_published": (
        "The rule base {rule_base} is kept as published, with its known defects: it can call an "
        "ill patient negligible. Check its points by hand."
    ),
    "rule_base_for_adults": (
        "The rule base {rule_base} was written for adults; this patient is {age:g} years old."
    ),
    "rule_base_not_reviewed": (
        "The rule base {rule_base} writes sentences of guidelines as rules. No clinician has "
        "reviewed it yet and it was not validated on patients: check its reasons."
    ),
}


def to_sentence(message: Message, language: NullTranslations = ENGLISH) -> str:
    """Put a message into words.

    Parameters
    ----------
    message : Message
    language : NullTranslations
        Of gettext; English by default.

    Raises
    ------
    KeyError
        No such message, or a value that its sentence needs is missing.
    """
    sentence = language.gettext(SENTENCES[message.code])
    return sentence.format(**{name: _word(value) for name, value in message.values.items()})


def to_sentences(
    messages: Iterable[Message], language: NullTranslations = ENGLISH
) -> tuple[str, ...]:
    """Put several messages into words, in their order."""
    return tuple(to_sentence(message, language) for message in messages)


def _word(value: Value) -> str | int | float:
    """A list is written with commas, or semicolons around them; a number is left as it is."""
    if not isinstance(value, tuple):
        return value
    return ("; " if any("," in each for each in value) else ", ").join(value)
