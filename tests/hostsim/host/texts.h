// What the host says in its own language. Codes stand at the end of a text in all of them.
#pragma once

#include "tests/hostsim/wire/language.h"

namespace entrepot::hostsim {

enum class Text {
    architecture,
    host_system,
    host_system_description,
    job_caption,  ///< In English every job has its own.
    job_completed,
    job_running,
    operating_normally,
    operation_failed,
    virtual_machine,
    virtual_machine_settings,
    virtual_switch,
};

const char* text_of(Text text, Language language);

}  // namespace entrepot::hostsim
