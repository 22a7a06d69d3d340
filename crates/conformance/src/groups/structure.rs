//! DS: document structure.

mod requests;
mod walks;

use super::Checks;

pub(super) const CHECKS: Checks = &[
    ("DS-1", requests::the_root_is_an_object),
    ("DS-2", requests::a_document_has_something),
    ("DS-6", requests::unknown_members_are_ignored),
    ("DS-7", walks::primary_data_fits_the_url),
    ("DS-8", walks::a_collection_is_always_an_array),
    ("DS-9", walks::the_self_link_names_the_profile),
    ("DS-10", walks::the_self_link_gives_the_same_document),
    ("DS-12", requests::ids_and_types_are_strings),
    ("DS-13", walks::no_resource_is_met_twice),
    ("DS-15", requests::no_attribute_is_called_type_or_id),
    ("DS-16", requests::attributes_are_an_object),
    ("DS-18", requests::relationships_are_an_object_of_objects),
    ("DS-20", walks::relationships_page_their_linkage),
    (
        "DS-21",
        walks::related_links_of_empty_relationships_lead_somewhere,
    ),
    ("DS-22", requests::the_related_link_stays_the_same),
    ("DS-24", walks::self_links_lead_to_their_resource),
    ("DS-25", requests::identifiers_need_an_id),
    ("DS-26", requests::a_lid_means_one_resource),
    ("DS-35", walks::names_are_case_sensitive),
    ("DS-39", requests::at_members_are_ignored),
    ("DS-41", requests::unreadable_bodies_are_refused),
];
