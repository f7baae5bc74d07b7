"""Which rule of ours HAPI means: its message ids, and where it gives none its words, beside our rule ids.

A message may stand for several of ours; an invariant's id ends in its key, which is our rule id as it is.
"""

import re

from tools.conformance.validator import Message

_PREFIXES = (
    ("Terminology_TX", "required-binding mime-type language-code currency-code extensible-binding"),
    ("Terminology_PassThrough_TX_Message", "required-binding mime-type language-code currency-code"),
    ("Type_Specific_Checks", "primitive-format empty-string"),
    ("Type_Specific_Checks_DT_Primitive_Length", "max-length"),
    ("Type_Specific_Checks_DT_Integer_", "value-range"),
    ("Type_Specific_Checks_DT_Decimal_", "value-range"),
    ("Resource_RES_ID_Malformed", "primitive-format"),
    ("CONTAINED_ORPHAN_DOM3", "dom-3"),
    ("RESOURCE_DUPLICATE_CONTAINED_ID", "contained-id"),
    ("TYPE_SPECIFIC_CHECKS_DT_XHTML", "narrative-url"),
    ("UNICODE_XML_BAD_CHARS", "primitive-format"),
    ("XHTML_XHTML_Element_Illegal", "narrative-element"),
    ("XHTML_XHTML_Attribute_Illegal", "narrative-attribute"),
    ("XHTML_XHTML_N", "narrative-root"),
    ("Validation_VAL_Profile_Minimum_SLICE", "slice-minimum"),
    ("VALIDATION_VAL_PROFILE_MINIMUM_MAGIC", "slice-minimum"),
    ("Validation_VAL_Profile_Minimum", "required-element"),
    ("Validation_VAL_Profile_Maximum", "too-many prohibited-element slice-maximum sqty-1"),
    ("Validation_VAL_Profile_NotSlice", "slice-unmatched"),
    ("Validation_VAL_Profile_SliceOrder", "slice-order"),
    ("Validation_VAL_Profile_NotAllowed", "unknown-element prohibited-element profile-type"),
    ("Validation_VAL_Profile_WrongType", "profile-type"),
    ("Validation_VAL_Profile_NoType", "profile-type"),
    ("Validation_VAL_Profile_Unknown", "unknown-profile"),
    ("VALIDATION_VAL_PROFILE_WRONGTYPE", "profile-of-another-type"),
    ("Validation_VAL_Profile_OtherType", "profile-of-another-type"),
    ("_DT_Fixed_Wrong", "fixed-value pattern-value"),
    ("Fixed_Type_Checks", "fixed-value pattern-value"),
    ("TYPE_CHECKS_PATTERN_CC", "pattern-value"),
    ("Profile_VAL_", "fixed-value pattern-value"),
    ("Terminology_TX_Coding_Count", "pattern-value"),
    ("TYPE_CHECKS_FIXED_CC", "fixed-value"),
    ("Extension_PROF_Type", "profile-type"),
    ("Extension_EXT_Type", "profile-type"),
    ("Extension_EXT_Modifier", "extension-modifier"),
    ("Extension_EXTM_Context", "extension-context"),
    ("Extension_EXTP_Context", "extension-context"),
    ("Extension_EXT_Url_NotFound", "required-element"),
    ("Reference_REF_BadTargetType", "reference-target reference-type target-profile"),
    ("Reference_REF_CantMatchType", "reference-target target-profile"),
    ("Reference_REF_CantMatchChoice", "target-profile"),
    ("Reference_REF_CantResolve", "ref-1"),
    ("Reference_REF_NotFound", "ref-1"),
    ("Questionnaire_QR_Item_Missing", "item-required"),
    ("Questionnaire_QR_Item_NotEnabled", "item-disabled"),
    ("Questionnaire_QR_Item_NotFound", "item-unknown"),
    ("Questionnaire_QR_Item_GroupAnswer", "item-unknown"),
    ("Questionnaire_QR_Item_Order", "item-order"),
    ("Questionnaire_QR_Item_OnlyOneI", "item-too-many"),
    ("Questionnaire_QR_Item_OnlyOneA", "answer-too-many"),
    ("Questionnaire_QR_Item_WrongType", "answer-type"),
    ("Questionnaire_QR_Item_NoOptionsString", "answer-type"),
    ("Questionnaire_QR_Item_NoCoding", "answer-option"),
    ("Questionnaire_QR_Item_BadOption", "answer-option"),
    ("Questionnaire_QR_Item_Text", "item-text"),
    ("Questionnaire_QR_Item_Group", "answer-unexpected"),
    ("QUESTIONNAIRE_QR_ITEM_DISPLAY", "answer-unexpected"),
    ("QUESTIONNAIRE_QR_ITEM_STRING_MAX_LENGTH", "answer-length"),
)
_WORDS = (
    (r"No response answer found for required item", "item-required"),
    (r"is in the wrong place", "item-unknown"),
    (r"incompatible types", "answer-type profile-type"),
    (r"Unrecognized property", "unknown-element choice-type"),
    (r"must be a JSON Array", "array-expected"),
    (r"[Aa]rray cannot be empty", "empty-array"),
    (r"must be an? (Object|simple value|Array)|must be a JSON", "object-expected primitive-expected not-an-array null-value empty-object"),
    (r"the primitive value must be", "primitive-format primitive-expected not-an-array null-value"),
    (r"[Nn]ull", "null-value"),
    (r"Error parsing XHTML", "narrative-xml"),
    (r"resourceType|does not appear to be a FHIR resource", "resource-type"),
    (r"[Oo]bject must have some content|is empty", "empty-object"),
    (r"Multiple (types|properties)|more than one", "choice-type"),
)


def rules(message: Message) -> set[str]:
    """The rules of ours that a message may stand for; none when it says something that we have no rule for."""
    if "#" in message.message:
        return {message.message.rsplit("#", 1)[1]}
    found = {rule for prefix, names in _PREFIXES if message.message.lower().startswith(prefix.lower()) for rule in names.split()}
    if found:
        return found
    return {rule for pattern, names in _WORDS if re.search(pattern, message.text) for rule in names.split()}
