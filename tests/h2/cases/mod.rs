//! The cases, section by section.

mod compression;
mod fields;
mod floods;
mod framing;
mod generic;
mod messages;
mod requests;
mod settings;
mod streams;
mod types;

use crate::case::Section;

/// All of them; within a section of h2spec in its order.
pub(crate) const SECTIONS: &[&Section] = &[
    &generic::BEGINNING,
    &generic::STREAMS,
    &generic::DATA_FRAMES,
    &generic::HEADERS_FRAMES,
    &generic::PRIORITY_FRAMES,
    &generic::RESETS,
    &generic::SETTINGS_FRAMES,
    &generic::PINGS,
    &generic::FAREWELLS,
    &generic::WINDOWS,
    &generic::CONTINUATIONS,
    &generic::METHODS,
    &compression::GENERIC,
    &framing::PREFACES,
    &framing::FORMAT,
    &framing::SIZE,
    &framing::BLOCKS,
    &streams::STATES,
    &streams::NUMBERS,
    &streams::CONCURRENCY,
    &streams::DEPENDENCIES,
    &streams::CONNECTION_ERRORS,
    &streams::EXTENSIONS,
    &types::DATA_FRAMES,
    &types::HEADERS_FRAMES,
    &types::PRIORITY_FRAMES,
    &types::RESETS,
    &settings::FRAMES,
    &settings::VALUES,
    &settings::ORDER,
    &types::PINGS,
    &types::FAREWELLS,
    &types::WINDOW_UPDATES,
    &types::WINDOW,
    &settings::INITIAL_WINDOW,
    &types::CONTINUATIONS,
    &messages::CODES,
    &messages::EXCHANGE,
    &messages::NAMES,
    &messages::PSEUDO,
    &messages::CONNECTION_FIELDS,
    &messages::REQUEST_PSEUDO,
    &messages::LENGTHS,
    &messages::PUSH,
    &compression::INDEX,
    &compression::TABLE_SIZE_PLACE,
    &compression::STRINGS,
    &compression::INDEX_ZERO,
    &compression::TABLE_SIZE,
    &fields::CHARACTERS,
    &fields::LENGTHS,
    &fields::TRAILERS,
    &requests::TARGETS,
    &requests::METHODS,
    &floods::FLOODS,
];
