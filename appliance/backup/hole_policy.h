// What is made of blocks of an export that nobody wrote (F-SH-04); see unwritten_images.h.
#pragma once

namespace entrepot::backup {

enum class HolePolicy {
    refuse,  ///< They were lost.
    accept,  ///< The host leaves zeros out: zeros, with a warning.
};

}  // namespace entrepot::backup
