// Our engine as a reader of what the writers made.
#pragma once

#include "storage/disk/image_chain.h"

#include "tests/property/writers.h"

namespace entrepot::property {

/// Opens every image and resolves the leaf's chain from candidates in another order. Throws Error.
disk::ImageChain open_chain(const Subject& subject);

}  // namespace entrepot::property
